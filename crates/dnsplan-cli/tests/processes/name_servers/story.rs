//! What a server has done, according to the updates that came by and its replies.
//!
//! 1. Every update of an enactor names the fence record that it takes the place of. So those that were done are a chain, which is their
//!    order, and a record that two of them take the place of is a fence that has not held.
//! 2. An update that was sent when another had its reply was done later, whatever is said of fences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dnsplan_name_servers::Passed;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, Record};

use crate::judge::{FENCE, Judge, Wrong};
use crate::place::{ASKED, mark};

/// An update.
#[derive(Debug, Default)]
struct Update {
    /// The text of the fence record that has to be there; `None` where there has to be none.
    expected: Option<String>,
    /// The text of the one that takes its place.
    next: String,
    /// The addresses that it leaves at each name that is asked for, where it changes them.
    addresses: BTreeMap<&'static str, Vec<String>>,
    sent: Option<u64>,
    replied: Option<u64>,
}

impl Update {
    fn read(passed: &Passed) -> Self {
        let message = Message::from_vec(&passed.message).unwrap();
        let mut update = Self {
            expected: message.answers.iter().find_map(fence),
            next: message.authorities.iter().find_map(fence).unwrap_or_default(),
            addresses: BTreeMap::new(),
            sent: passed.sent,
            replied: passed.reply.map(|(moment, _)| moment),
        };
        for record in &message.authorities {
            update.change(record);
        }
        update
    }

    /// Whole RRsets are deleted, and records added.
    fn change(&mut self, record: &Record) {
        let owner = record.name.to_string();
        let Some(name) = ASKED.into_iter().find(|name| *name == owner) else { return };
        let addresses = self.addresses.entry(name).or_default();
        match (record.dns_class, &record.data) {
            (DNSClass::IN, RData::A(address)) => addresses.push(address.to_string()),
            _ => addresses.clear(),
        }
    }

    fn mark(&self, name: &str) -> Option<u16> {
        self.addresses.get(name)?.iter().map(|address| mark(address)).min()
    }
}

/// The text of a fence record, if this is one.
fn fence(record: &Record) -> Option<String> {
    let RData::TXT(text) = &record.data else { return None };
    let is_its = record.name.to_string() == FENCE;
    is_its.then(|| text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect())
}

/// What the log of a proxy says.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// The marks that were live, in their order.
    pub(super) live: Vec<u16>,
    /// What was done.
    pub(super) done: usize,
    /// What a prerequisite has refused.
    pub(super) fenced: usize,
    /// What was refused for another reason.
    pub(super) refused: usize,
    /// What the server has not replied to.
    pub(super) unanswered: usize,
    /// What never reached it.
    pub(super) lost: usize,
    /// Who has written.
    pub(super) writers: BTreeSet<String>,
    /// How many were done in the place of a record that another one had taken the place of already.
    pub(super) forks: usize,
    /// How many were done that do not follow from the first of all.
    pub(super) apart: usize,
    /// What must not be: the first of it.
    pub(super) wrong: Option<Wrong>,
}

impl Story {
    pub(super) fn of(log: &[Passed]) -> Self {
        let mut story = Self::default();
        let (mut done, mut unanswered) = (Vec::new(), Vec::new());
        for passed in log {
            match (passed.sent, passed.reply.map(|(_, code)| code)) {
                (None, _) => story.lost += 1,
                (Some(_), None) => unanswered.push(Update::read(passed)),
                (Some(_), Some(ResponseCode::NoError)) => done.push(Update::read(passed)),
                (Some(_), Some(ResponseCode::NXRRSet | ResponseCode::YXRRSet)) => story.fenced += 1,
                (Some(_), Some(_)) => story.refused += 1,
            }
        }
        let order = order(&done, &unanswered);
        let expected: BTreeSet<_> = done.iter().map(|update| &update.expected).collect();
        let writer = |update: &Update| update.next.split(" by=").nth(1)?.split(' ').next().map(str::to_owned);
        story.writers = done.iter().filter_map(writer).collect();
        story.forks = done.len() - expected.len();
        story.apart = done.len() - order.iter().filter(|update| update.replied.is_some()).count();
        (story.done, story.unanswered) = (done.len(), unanswered.len());
        story.replay(&order);
        story.wrong = story.wrong.or_else(|| overtaken(&done));
        story
    }

    /// Looks at the names that are asked for after every update.
    fn replay(&mut self, order: &[&Update]) {
        let (mut judge, mut zone) = (Judge::default(), BTreeMap::new());
        for update in order {
            zone.extend(update.addresses.clone());
            for name in ASKED {
                let found = judge.look(name, zone.get(name).into_iter());
                self.wrong = self.wrong.take().or_else(|| found.err());
            }
            if self.live.last() != Some(&judge.newest()) && judge.newest() > 0 {
                self.live.push(judge.newest());
            }
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live, done, fenced, refused, unanswered, lost, writers, forks, apart, wrong } = self;
        let (live, writers) = (live.len(), writers.len());
        write!(
            f,
            "{live} plans live, {done} updates done by {writers} processes, {fenced} refused by a prerequisite, {refused} refused \
             otherwise, {lost} lost, {unanswered} unanswered, {forks} forks, {apart} apart, wrong: {wrong:?}"
        )
    }
}

/// The chain from the first one on. What was not answered is part of it where another follows from it.
fn order<'u>(done: &'u [Update], unanswered: &'u [Update]) -> Vec<&'u Update> {
    let mut after = BTreeMap::new();
    for update in done.iter().chain(unanswered) {
        after.entry(update.expected.as_deref()).or_insert(update);
    }
    let mut order: Vec<&Update> = Vec::new();
    while let Some(update) = after.remove(&order.last().map(|last| last.next.as_str())) {
        order.push(update);
    }
    order
}

/// What was put there after something newer, where that is certain.
fn overtaken(done: &[Update]) -> Option<Wrong> {
    let sent = done.iter().map(|update| (update.sent, false, update));
    let replied = done.iter().map(|update| (update.replied, true, update));
    let mut events: Vec<_> = sent.chain(replied).collect();
    events.sort_by_key(|(moment, _, _)| *moment);
    let mut newest = BTreeMap::new();
    for (_, is_done, update) in events {
        for name in ASKED {
            let Some(to) = update.mark(name) else { continue };
            let from = newest.entry(name).or_insert(0);
            match is_done {
                true => *from = to.max(*from),
                false if to < *from => return Some(Wrong::Backwards { name, from: *from, to }),
                false => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that puts a plan in the place of another. It was sent and replied to at these moments.
    fn update(expected: Option<u16>, to: u16, moments: [u64; 2]) -> Update {
        let [sent, replied] = moments.map(Some);
        let addresses = ASKED.map(|name| (name, vec![format!("10.0.0.{to}")])).into();
        let expected = expected.map(|mark| mark.to_string());
        Update { expected, next: to.to_string(), addresses, sent, replied }
    }

    fn judged(done: &[Update]) -> (Vec<u16>, Option<Wrong>) {
        let mut story = Story::default();
        story.replay(&order(done, &[]));
        (story.live, story.wrong)
    }

    #[test]
    fn the_chain_is_the_order_whoever_was_answered_first() {
        let mut done = [update(Some(2), 3, [3, 4]), update(None, 1, [0, 6]), update(Some(1), 2, [1, 5])];
        assert_eq!((judged(&done), overtaken(&done)), ((vec![1, 2, 3], None), None));
        done[0].expected = Some("4".to_owned());
        assert_eq!(order(&done, &[]).len(), 2, "one is apart");
        let unanswered = [Update { replied: None, ..update(Some(2), 4, [7, 8]) }];
        assert_eq!(order(&done, &unanswered).len(), 4, "it must have been done");
    }

    #[test]
    fn what_must_not_be_is_found_in_the_chain_and_in_the_moments() {
        let name = ASKED[0];
        let mut done = [update(None, 5, [0, 1]), update(Some(5), 4, [2, 3])];
        let back = Some(Wrong::Backwards { name, from: 5, to: 4 });
        assert_eq!((judged(&done), overtaken(&done)), ((vec![5, 4], back.clone()), back.clone()));
        // The same without a chain, and where it is not certain which was first.
        done[1].expected = None;
        assert_eq!((order(&done, &[]).len(), overtaken(&done)), (1, back));
        done[1].sent = Some(0);
        assert_eq!(overtaken(&done), None);
        done[1] = Update { addresses: [(name, Vec::new())].into(), ..update(Some(5), 6, [2, 3]) };
        assert_eq!(judged(&done).1, Some(Wrong::Empty { name, after: 5 }));
    }
}
