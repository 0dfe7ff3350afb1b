//! The production code behind small numbers: records and receipts are interned, and what production decides is asked once
//! for every distinct question and remembered.
//!
//! What is asked: `decide`, `Seen::permit`, `Seen::order`, `Order::done`, `attend`, `Floor::admit` and `Floor::seal`.

use std::rc::Rc;

use dnsplan_fence::{Actor, Generation, Nonce, Observed, Record};
use dnsplan_leadership::{
    Candidate, Epoch, Floor, HandoffId, Holder, Incarnation, Node, Phase, Position, Receipt, Seen, Situation,
    Stance, Step, Term, Write, attend, decide,
};
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::config::{Config, Rule};
use super::state::{Packed, ReceiptId, RecordId, Server, State, View};

const NONCE: Nonce = Nonce::new(0);
/// The names of the two nodes.
pub(crate) const NAMES: [&str; 2] = ["a", "b"];

/// What a coordinator does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Sends the swap that leaves this record.
    Send(RecordId),
    /// Has the resource seal the epoch of what it saw.
    Seal,
}

/// All that a coordinator's next act can depend on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    record: RecordId,
    receipt: ReceiptId,
    nodes: [(bool, u8, u8); 2],
    may_demand: bool,
    accepted: u8,
}

pub(crate) struct Kernel {
    pub(crate) config: Config,
    nodes: [Node; 2],
    by: Actor,
    seen: Vec<Seen>,
    receipts: Vec<Receipt>,
    epochs: Vec<Epoch>,
    acts: IndexMap<Question, Rc<[Act]>, FxBuildHasher>,
}

impl Kernel {
    pub(crate) fn new(config: Config) -> Self {
        let node = |name| Node::new(name).expect("a valid name");
        let by = Actor::new("coordinator").expect("a valid name");
        let nodes = NAMES.map(node);
        Self {
            config,
            nodes,
            by,
            seen: Vec::new(),
            receipts: Vec::new(),
            epochs: Vec::new(),
            acts: IndexMap::default(),
        }
    }

    /// The record that grants nothing.
    pub(crate) fn vacant(&mut self) -> RecordId {
        let observed: Observed<Term> = Observed::Absent;
        let genesis = observed.genesis(NONCE, &self.by, Term::vacant()).expect("nothing is there");
        self.intern(genesis.into_record())
    }

    fn intern(&mut self, record: Record<Term>) -> RecordId {
        let id = self.seen.iter().position(|seen| *seen.record() == record).unwrap_or_else(|| {
            if let Some(epoch) = Epoch::of(&record).filter(|epoch| !self.epochs.contains(epoch)) {
                self.epochs.push(epoch);
            }
            self.seen.push(Seen::of(&Observed::Record(record)).expect("it is a record"));
            self.seen.len() - 1
        });
        RecordId::try_from(id).expect("fewer records than that")
    }

    pub(crate) fn seen(&self, id: RecordId) -> &Seen {
        &self.seen[usize::from(id)]
    }

    pub(crate) fn generation(&self, id: RecordId) -> u8 {
        small(self.seen(id).record().generation.get())
    }

    /// The epoch of this number, as some record has granted it.
    fn epoch(&self, number: u8) -> Epoch {
        let is_it = |epoch: &&Epoch| epoch.get() == u64::from(number);
        *self.epochs.iter().find(is_it).expect("a record has granted it")
    }

    pub(crate) fn receipt(&self, id: ReceiptId) -> Option<Receipt> {
        id.checked_sub(1).map(|at| self.receipts[usize::from(at)])
    }

    /// The life of a node.
    pub(crate) fn life(&self, node: usize, incarnation: u8) -> Holder {
        Holder { node: self.nodes[node].clone(), incarnation: Incarnation::new(incarnation.into()) }
    }

    /// The node that a record's holder is, and whether this very life of it is up.
    pub(crate) fn holder(&self, id: RecordId, servers: &[Server; 2]) -> Option<(usize, bool)> {
        let holder = self.seen(id).term().holder()?;
        let at = self.nodes.iter().position(|node| *node == holder.node).expect("one of the two");
        let is_alive = servers[at].is_up && holder.incarnation.get() == u64::from(servers[at].incarnation);
        Some((at, is_alive))
    }

    /// What a coordinator with this view may do next, whatever it has heard from whom.
    pub(crate) fn acts(&mut self, view: View, state: &State) -> Rc<[Act]> {
        let is_any_seal = self.config.is_without(Rule::SealBeforeGrant);
        let question = Question {
            record: view.record,
            receipt: view.receipt,
            nodes: state.servers.map(|server| (server.is_up, server.incarnation, server.applied)),
            may_demand: state.handoffs > 0,
            accepted: if is_any_seal { state.log.len() } else { 0 },
        };
        if let Some(acts) = self.acts.get(&question) {
            return Rc::clone(acts);
        }
        let mut acts = Vec::new();
        let receipt = self.receipt(view.receipt).map(|receipt| self.believed(view.record, receipt));
        self.ask(view.record, receipt, &question, &mut acts);
        self.weaken(view.record, &question, &mut acts);
        let acts: Rc<[Act]> = acts.into();
        self.acts.insert(question, Rc::clone(&acts));
        acts
    }

    /// R8 left out: the receipt is taken for one of the epoch that is to be sealed now.
    fn believed(&self, record: RecordId, receipt: Receipt) -> Receipt {
        let order = self.seen(record).order().filter(|_| self.config.is_without(Rule::ReceiptNamesEpoch));
        order.map_or(receipt, |order| order.done(receipt.position()))
    }

    /// Asks production, for everything that can be known or believed about nodes that are up, demands and clocks.
    fn ask(&mut self, id: RecordId, receipt: Option<Receipt>, question: &Question, acts: &mut Vec<Act>) {
        let seen = self.seen(id).clone();
        let failover = HandoffId::new(seen.record().generation.get().into());
        let is_gone = |holder: &Holder| {
            let at = self.nodes.iter().position(|node| *node == holder.node).expect("one of the two");
            let (is_up, incarnation, _) = question.nodes[at];
            !is_up || u64::from(incarnation) != holder.incarnation.get()
        };
        let is_dead = seen.term().holder().is_some_and(is_gone);
        // Somebody may ask for a hand-off of what works, and the failure detector may be wrong; it may also not know.
        let may_end = is_dead || question.may_demand;
        let mut reasons = vec![(None, None)];
        if may_end {
            reasons.push((None, seen.term().holder()));
        }
        if question.may_demand {
            reasons.extend(self.nodes.iter().map(|node| (seen.demand(node.clone(), failover), None)));
        }
        let all: Vec<Candidate> = (0..2)
            .filter(|at| question.nodes[*at].0)
            .map(|at| {
                let (_, incarnation, applied) = question.nodes[at];
                let is_any = self.config.is_without(Rule::CatchUpBeforeGrant);
                let applied = Position::new(if is_any { u64::MAX } else { applied.into() });
                Candidate { holder: self.life(at, incarnation), applied }
            })
            .collect();
        let reversed: Vec<Candidate> = all.iter().rev().cloned().collect();
        let mut reached: Vec<&[Candidate]> = vec![&[], &all, &reversed];
        reached.extend(all.chunks(1));
        let mut steps = Vec::new();
        for (demand, gone) in &reasons {
            for candidates in &reached {
                for is_overdue in [false, true] {
                    let situation = Situation {
                        seen: Some(&seen),
                        demand: demand.as_ref(),
                        failover,
                        gone: *gone,
                        is_abandoned: true,
                        is_drained: true,
                        receipt,
                        is_overdue,
                        candidates,
                        proven: None,
                        published: None,
                    };
                    steps.push(decide(&situation));
                }
            }
        }
        for step in steps {
            let act = match step {
                Step::Write(write) => Act::Send(self.after(&seen, &write)),
                Step::Seal(_) => Act::Seal,
                _ => continue,
            };
            if !acts.contains(&act) {
                acts.push(act);
            }
        }
    }

    /// The record that a write leaves. What production decides, its own permits allow.
    fn after(&mut self, seen: &Seen, write: &Write) -> RecordId {
        let permit = seen.permit(write, NONCE, &self.by).expect("what was decided is permitted");
        self.intern(permit.into_next())
    }

    /// Rules left out: what a coordinator would do besides.
    fn weaken(&mut self, id: RecordId, question: &Question, acts: &mut Vec<Act>) {
        let seen = self.seen(id).clone();
        if self.config.is_without(Rule::SealBeforeGrant)
            && let Some(order) = seen.order()
        {
            // The last position is read, and nothing is sealed.
            let write = Write::Record(order.done(Position::new(question.accepted.into())));
            let sealed = self.after(&seen, &write);
            self.ask(sealed, None, question, acts);
        }
        let goes_back = [Rule::RollBackForward, Rule::SealIsForGood].map(|rule| self.config.is_without(rule));
        if goes_back.contains(&true) && *seen.term().phase() != Phase::Open {
            let is_open = |other: &Seen| {
                *other.term().phase() == Phase::Open
                    && other.record().generation == seen.record().generation
                    && other.term().holder() == seen.term().holder()
                    && other.term().origin() == seen.term().origin()
            };
            let open = self.seen.iter().position(is_open).expect("it was open before it was frozen");
            acts.push(Act::Send(RecordId::try_from(open).expect("it is interned")));
        }
    }

    /// The floor after a seal by who saw this record, and the receipt.
    pub(crate) fn seal(&mut self, id: RecordId, floor: u8, accepted: u8) -> (u8, ReceiptId) {
        let order = self.seen(id).order().expect("it is freezing");
        let floor = Floor::recorded(Generation::new(floor.into())).seal(order.epoch());
        let receipt = order.done(Position::new(accepted.into()));
        let at = self.receipts.iter().position(|one| *one == receipt).unwrap_or_else(|| {
            self.receipts.push(receipt);
            self.receipts.len() - 1
        });
        (small(floor.lowest().get()), small(at as u64 + 1))
    }

    /// The floor after a write is accepted; `None` where it is refused.
    pub(crate) fn admit(&self, floor: u8, epoch: u8) -> Option<u8> {
        let floor = Floor::recorded(Generation::new(floor.into()));
        floor.admit(self.epoch(epoch)).ok().map(|floor| small(floor.lowest().get()))
    }

    /// The stance of a node after it has seen the record.
    pub(crate) fn attend(&self, id: RecordId, node: usize, server: &Server) -> Packed {
        let me = self.life(node, server.incarnation);
        pack(attend(self.seen(id), &me, self.stance(server.stance)))
    }

    /// The stance of a node whose write was refused.
    pub(crate) fn fenced(&self, stance: Packed, epoch: u8) -> Packed {
        pack(self.stance(stance).fenced(self.epoch(epoch)))
    }

    fn stance(&self, packed: Packed) -> Stance {
        match packed.kind {
            0 => Stance::Follows,
            1 => Stance::Leads(self.epoch(packed.epoch)),
            2 => Stance::Drains(self.epoch(packed.epoch)),
            _ => Stance::Stopped(self.epoch(packed.epoch)),
        }
    }
}

fn pack(stance: Stance) -> Packed {
    let kind = match stance {
        Stance::Follows => 0,
        Stance::Leads(_) => 1,
        Stance::Drains(_) => 2,
        Stance::Stopped(_) => 3,
    };
    Packed { kind, epoch: stance.epoch().map_or(0, |epoch| small(epoch.get())) }
}

fn small(number: u64) -> u8 {
    u8::try_from(number).expect("a small number")
}
