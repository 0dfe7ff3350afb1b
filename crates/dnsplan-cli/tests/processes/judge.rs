//! What clients are answered, judged: never backwards, never empty, never of two plans at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use dnsplan_route53_fake::{Action, Change, Edge, Fake, Outcome, Received, RecordSet, Refusal};

use super::place::{ASKED, mark};

/// How long a reader rests between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(1);
/// Where the fence record is.
pub(super) const FENCE: &str = "_dnsplan.example.org.";

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// No answer, after this mark was seen.
    Empty { name: &'static str, after: u16 },
    /// An older plan than before.
    Backwards { name: &'static str, from: u16, to: u16 },
    /// The members of one RRset are of several plans.
    Mixed { name: &'static str, marks: BTreeSet<u16> },
}

/// Who looks at one place all the time.
#[derive(Default)]
pub(super) struct Judge(BTreeMap<&'static str, u16>);

impl Judge {
    /// Takes what may be answered for a name: the addresses of each choice.
    pub(super) fn look<'a>(
        &mut self,
        name: &'static str,
        choices: impl Iterator<Item = &'a Vec<String>>,
    ) -> Result<(), Wrong> {
        let newest = self.0.entry(name).or_default();
        let (mut marks, mut is_empty) = (BTreeSet::new(), true);
        for choice in choices {
            is_empty = choice.is_empty();
            if is_empty {
                break;
            }
            marks.extend(choice.iter().map(|address| mark(address)));
        }
        match marks.first().copied() {
            _ if is_empty && *newest == 0 => Ok(()),
            Some(mark) if !is_empty && marks.len() == 1 => {
                let from = std::mem::replace(newest, mark);
                if mark < from { Err(Wrong::Backwards { name, from, to: mark }) } else { Ok(()) }
            }
            Some(_) if !is_empty => Err(Wrong::Mixed { name, marks }),
            _ => Err(Wrong::Empty { name, after: *newest }),
        }
    }

    /// What all names have reached.
    pub(super) fn newest(&self) -> u16 {
        ASKED.iter().map(|name| self.0.get(name).copied().unwrap_or_default()).min().unwrap_or_default()
    }
}

/// One place where clients ask: what may be answered for a name, the addresses of each choice.
pub(super) type View = Box<dyn FnMut(&'static str) -> Vec<Vec<String>> + Send>;

/// All edges of a fake.
pub(super) fn edges(fake: &Fake) -> Vec<View> {
    let view =
        |edge: Edge| -> View { Box::new(move |name| edge.resolve(name, "A").values().into_iter().collect()) };
    fake.edges().into_iter().map(view).collect()
}

/// Clients that never stop asking, one at each place, until one is answered what must not be.
pub(super) struct Readers {
    is_over: Arc<AtomicBool>,
    clients: Vec<Client>,
}

struct Client {
    newest: Arc<AtomicU16>,
    thread: JoinHandle<Result<BTreeSet<u16>, Wrong>>,
}

impl Client {
    fn start(mut view: View, is_over: Arc<AtomicBool>) -> Self {
        let newest = Arc::new(AtomicU16::new(0));
        let shown = Arc::clone(&newest);
        let thread = std::thread::spawn(move || {
            let (mut judge, mut seen) = (Judge::default(), BTreeSet::new());
            let mut is_last = false;
            while !is_last {
                is_last = is_over.load(Ordering::Acquire);
                for name in ASKED {
                    judge.look(name, view(name).iter())?;
                }
                seen.insert(judge.newest());
                shown.store(judge.newest(), Ordering::Release);
                std::thread::sleep(PAUSE);
            }
            seen.remove(&0);
            Ok(seen)
        });
        Self { newest, thread }
    }
}

impl Readers {
    pub(super) fn start(views: Vec<View>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let clients = views.into_iter().map(|view| Client::start(view, Arc::clone(&is_over))).collect();
        Self { is_over, clients }
    }

    /// The oldest of what is answered anywhere.
    pub(super) fn newest(&self) -> u16 {
        let newest = |client: &Client| client.newest.load(Ordering::Acquire);
        self.clients.iter().map(newest).min().unwrap_or_default()
    }

    /// Whether one has seen what must not be.
    pub(super) fn have_given_up(&self) -> bool {
        self.clients.iter().any(|client| client.thread.is_finished())
    }

    /// The marks that they were answered with.
    pub(super) fn end(mut self) -> Result<BTreeSet<u16>, Wrong> {
        self.is_over.store(true, Ordering::Release);
        let mut seen = BTreeSet::new();
        for client in self.clients.drain(..) {
            seen.extend(client.thread.join().unwrap()?);
        }
        Ok(seen)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // What they saw is of no account where the test has failed already.
        self.clients.drain(..).for_each(|client| drop(client.thread.join()));
    }
}

/// What the log of change requests says.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// The marks that were live, in their order.
    pub(super) live: Vec<u16>,
    /// What was done.
    pub(super) accepted: usize,
    /// What the fence has refused.
    pub(super) fenced: usize,
    /// What was refused for another reason, throttling among them.
    pub(super) refused: usize,
    /// What never arrived.
    pub(super) lost: usize,
    /// Second deliveries, counted here alone.
    pub(super) doubled: usize,
    /// Those of them that were done, though the first delivery was.
    pub(super) twice: usize,
    /// Who has written.
    pub(super) writers: BTreeSet<String>,
    /// What must not be: the first of it, and the number of the request.
    pub(super) wrong: Option<(usize, Wrong)>,
}

impl Story {
    /// Writes everything once more, and looks after every batch.
    pub(super) fn of(log: &[Received]) -> Self {
        let (mut story, mut zone, mut judge) = (Self::default(), Zone::default(), Judge::default());
        for entry in log {
            match (&entry.outcome, entry.duplicate_of) {
                (outcome, Some(first)) => {
                    let is_twice = matches!(outcome, Outcome::Accepted(_)) && log[first].is_accepted();
                    story.twice += usize::from(is_twice);
                    story.doubled += 1;
                }
                (Outcome::Accepted(_), None) => story.accepted += 1,
                (Outcome::Refused(_), None) if is_fenced(entry) => story.fenced += 1,
                (Outcome::Refused(_), None) => story.refused += 1,
                (Outcome::Lost, None) => story.lost += 1,
            }
            if !entry.is_accepted() {
                continue;
            }
            story.writers.extend(writer(entry));
            zone.take(&entry.changes);
            for name in ASKED {
                let found = judge.look(name, zone.resolve(name).iter());
                story.wrong = story.wrong.or_else(|| found.err().map(|wrong| (entry.number, wrong)));
            }
            if story.live.last() != Some(&judge.newest()) && judge.newest() > 0 {
                story.live.push(judge.newest());
            }
        }
        story
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live, accepted, fenced, refused, lost, doubled, twice, writers, wrong } = self;
        let (live, writers) = (live.len(), writers.len());
        write!(
            f,
            "{live} plans live, {accepted} batches done by {writers} processes, {fenced} refused by the fence, {refused} refused \
             otherwise, {lost} lost, {doubled} doubled and {twice} of them done twice, wrong: {wrong:?}"
        )
    }
}

/// Whether it was the fence record that a batch was refused for.
pub(super) fn is_fenced(entry: &Received) -> bool {
    let fence = format!("name='{FENCE}'");
    match &entry.outcome {
        Outcome::Refused(Refusal::InvalidChangeBatch(messages)) => {
            messages.iter().any(|message| message.contains(&fence))
        }
        _ => false,
    }
}

/// Who has sent a batch, according to the record in it.
pub(super) fn writer(entry: &Received) -> Option<String> {
    let is_record = |change: &&Change| change.action != Action::Delete && change.record_set.name == FENCE;
    let record = entry.changes.iter().find(is_record)?;
    let text: String = record.record_set.values.concat().replace("\"\"", "");
    let name = text.split("by=").nth(1)?;
    Some(name.split([' ', '"']).next()?.to_owned())
}

/// What the control plane has.
#[derive(Default)]
struct Zone(BTreeMap<(String, String, Option<String>), RecordSet>);

impl Zone {
    fn take(&mut self, changes: &[Change]) {
        for Change { action, record_set } in changes {
            let set = record_set.clone();
            let key = (set.name.clone(), set.record_type.clone(), set.set_identifier.clone());
            match action {
                Action::Create | Action::Upsert => drop(self.0.insert(key, set)),
                Action::Delete => drop(self.0.remove(&key)),
            }
        }
    }

    /// What may be answered: one list for each choice, an empty one where an alias leads to nothing.
    fn resolve(&self, name: &str) -> Vec<Vec<String>> {
        let from = (name.to_owned(), "A".to_owned(), None);
        let its = self.0.range(from..).take_while(|((other, kind, _), _)| other == name && kind == "A");
        its.flat_map(|(_, set)| match &set.alias {
            Some(alias) => Some(self.resolve(&alias.dns_name))
                .filter(|found| !found.is_empty())
                .unwrap_or_else(|| vec![vec![]]),
            None => vec![set.values.clone()],
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(judge: &mut Judge, choices: &[&[&str]]) -> Result<(), Wrong> {
        let choices: Vec<Vec<String>> =
            choices.iter().map(|choice| choice.iter().map(ToString::to_string).collect()).collect();
        judge.look(ASKED[0], choices.iter())
    }

    #[test]
    fn the_judge_tells_what_must_not_be() {
        let (mut judge, name) = (Judge::default(), ASKED[0]);
        assert_eq!(look(&mut judge, &[]), Ok(()));
        assert_eq!(look(&mut judge, &[&["10.1.0.2"], &["10.2.0.2"]]), Ok(()));
        assert_eq!(look(&mut judge, &[&["10.1.1.2"]]), Ok(()));
        assert_eq!(look(&mut judge, &[]), Err(Wrong::Empty { name, after: 258 }));
        assert_eq!(look(&mut judge, &[&["10.1.1.2"], &[]]), Err(Wrong::Empty { name, after: 258 }));
        let marks = BTreeSet::from([258, 259]);
        assert_eq!(look(&mut judge, &[&["10.1.1.2"], &["10.2.1.3"]]), Err(Wrong::Mixed { name, marks }));
        assert_eq!(look(&mut judge, &[&["10.1.1.1"]]), Err(Wrong::Backwards { name, from: 258, to: 257 }));
    }
}
