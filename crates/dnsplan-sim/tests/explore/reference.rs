//! The same exploration done the slow and plain way, to check the explorer's reductions: nothing is interned, packed,
//! merged, sorted out or remembered; enactors load, read the head and act in steps of their own; the store is a real
//! one.
//!
//! What is compared is what can be at the target: every (contents, record but for its nonce, head) that one of them
//! reaches must be reached by the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use dnsplan_enactor::conformance::{Contents, MemoryTarget, Request, block_on};
use dnsplan_enactor::{
    Aim, Basis, Cut, FenceRecord, Layout, Quarantine, Rider, Situation, Step, Target, aim_at, codec, decide,
};
use dnsplan_fence::{
    Actor, Generation, Move, Nonce, Observed, Offer, ParentGeneration, Sighting, Standing, Swap,
};
use dnsplan_plan::{
    Node, OwnerName, Plan, PlanStore, Proposal, Provenance, RData, RRset, Timestamp, Ttl, Zone, rdata,
};
use dnsplan_sim::explore::{Config, explore};

#[derive(Clone)]
enum Hands {
    Empty,
    Loaded(FenceRecord),
    Sighted(FenceRecord, u64),
}

#[derive(Clone)]
enum Sent {
    Create(Box<FenceRecord>),
    Swap(Box<Request>),
}

#[derive(Clone)]
struct State {
    target: Contents,
    head: u64,
    hands: Vec<Hands>,
    sent: Vec<Sent>,
    backup: Option<Contents>,
    can_back_up: bool,
    deletions: u8,
}

/// Adds the state that a change leads to.
type Add<'a> = dyn FnMut(&dyn Fn(&mut State)) + 'a;

struct Reference {
    config: Config,
    target: MemoryTarget,
    store: dnsplan_plan::MemoryStore,
    plans: Vec<Arc<Plan>>,
    me: Actor,
}

fn owners() -> [OwnerName; 2] {
    ["example.".parse().expect("valid"), "api.example.".parse().expect("valid")]
}

fn zone(number: u8) -> Zone {
    let [apex, api] = owners();
    let one = |data: RData| RRset::simple(Ttl::new(60).expect("valid"), [data]).expect("valid");
    let text = |kind: &str, text: &str| one(rdata(kind, text, &apex).expect("valid"));
    let own = [text("SOA", "ns.elsewhere. h 0 300 60 86400 30"), text("NS", "ns.elsewhere.")];
    let mut zone = Zone::empty(apex.clone());
    zone.set(apex.clone(), own.into_iter().collect::<Node>()).expect("valid");
    for (owner, block) in [(apex, 1), (api, 2)] {
        let address = Ipv4Addr::new(192, 0, block, number);
        zone.set_rrset(owner, one(RData::A(address.into()))).expect("valid");
    }
    zone
}

fn reference(config: Config) -> Reference {
    let store = dnsplan_plan::MemoryStore::new();
    let mut plans: Vec<Arc<Plan>> = Vec::new();
    for number in 1..=config.generations {
        let parent = plans.last().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("reference", Timestamp::from_millis(0), "next");
        let proposal = Proposal { zone: zone(number), provenance };
        plans.push(
            block_on(store.append(parent, proposal, Nonce::new(u128::from(number)))).expect("it is appended"),
        );
    }
    let target = MemoryTarget::new(owners()[0].clone(), config.layout, usize::from(config.batch));
    Reference { config, target, store, plans, me: Actor::new("enactor").expect("valid") }
}

impl Reference {
    fn plan(&self, generation: Generation) -> &Arc<Plan> {
        &self.plans[usize::try_from(generation.get()).expect("a small number") - 1]
    }

    fn basis(&self, record: &FenceRecord, plan: &Plan) -> Basis {
        if record.generation.is_zero() || record.base.is_zero() || plan.generation() < record.base {
            return Basis::Unknown;
        }
        let zone = &owners()[0];
        block_on(self.store.touched(zone, record.base, plan.generation())).expect("valid").map_or(
            Basis::Unknown,
            |owners| Basis::Changed { owners, from: None, begun: Vec::new(), cut: Cut::Guessed },
        )
    }

    /// What an enactor sends that saw this record and then this head, and looks at these contents now.
    fn acts(&self, record: &FenceRecord, head: u64, state: &State) -> Vec<Request> {
        let observed = Observed::Record(record.clone());
        let answer = observed.witness().answered(Standing::new(Generation::new(head)));
        let seen: Sighting<Quarantine> = observed.sight(answer).expect("it answers this very load");
        let head = Generation::new(head);
        let mut aims: BTreeSet<Generation> = [aim_at(Some(record), head), head].into_iter().collect();
        let is_staging = record.stage.is_some_and(|stage| stage.generation > record.generation);
        if self.config.layout == Layout::Tree && record.flip.is_complete() && !is_staging {
            aims.insert(record.generation);
        }
        let mut requests = Vec::new();
        for generation in aims.into_iter().filter(|generation| !generation.is_zero()) {
            let plan = self.plan(generation);
            let basis = Arc::new(self.basis(record, plan));
            let outline = self.target.outline(plan, &basis);
            let aim = Some(Aim { generation, digest: plan.digest(), outline, guarded: false });
            let layout = self.config.layout;
            let confirmed = Generation::ZERO;
            let trees = state.target.trees.keys().map(|tree| tree.generation);
            let found = trees.filter(|_| record.generation.is_zero()).max().unwrap_or(Generation::ZERO);
            let situation = Situation { sighting: Some(&seen), aim, confirmed, found, layout };
            let rider = |basis| Rider::Part { plan: Arc::clone(plan), basis, set_aside: BTreeSet::new() };
            let moves = match decide(&situation).step {
                Step::Write(action) => vec![(action, rider(basis))],
                Step::Verify => self.verify(record, plan, state),
                _ => Vec::new(),
            };
            for (action, rider) in moves {
                let permit = seen.permit(plan, action, Nonce::new(u128::MAX), &self.me);
                requests.extend(permit.map(|permit| Request::new(permit, rider)));
            }
        }
        requests
    }

    fn verify(&self, record: &FenceRecord, plan: &Arc<Plan>, state: &State) -> Vec<(Move, Rider)> {
        self.target.replace(state.target.clone());
        let audit = self.target.inspect(plan, &BTreeSet::new());
        let mut moves = Vec::new();
        if !audit.differing.is_empty() {
            let owners = audit.differing.iter().take(self.target.repair_limit()).cloned().collect();
            moves.push((Move::Repair, Rider::Repair { plan: Arc::clone(plan), owners }));
        }
        let allowed = record.base.min(Generation::new(state.head));
        if record.floor < allowed {
            moves.push((Move::RaiseFloor(allowed), Rider::Nothing));
        } else if audit.differing.is_empty() {
            let dead = audit.trees.into_iter().filter(|tree| record.is_reapable(tree.generation));
            moves.extend(dead.map(|tree| (Move::Reap(tree.generation), Rider::Reap { tree })));
        }
        moves
    }

    fn nexts(&self, state: &State) -> Vec<State> {
        let mut nexts = Vec::new();
        let mut add = |change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            nexts.push(next);
        };
        if state.head < u64::from(self.config.generations) {
            add(&|next| next.head += 1);
        }
        if state.can_back_up {
            add(&|next| (next.backup, next.can_back_up) = (Some(next.target.clone()), false));
        }
        if state.backup.is_some() {
            add(&|next| next.target = next.backup.take().expect("it is there"));
        }
        if state.deletions > 0 && state.target.fence.is_some() {
            add(&|next| (next.target.fence, next.deletions) = (None, next.deletions - 1));
        }
        for index in 0..state.sent.len() {
            add(&|next| {
                next.sent.remove(index);
            });
            if let Some((contents, stays)) = self.deliver(state, &state.sent[index]) {
                add(&|next| {
                    next.target = contents.clone();
                    if !stays {
                        next.sent.remove(index);
                    }
                });
            }
        }
        for index in 0..state.hands.len() {
            self.enactor(state, index, &mut add);
        }
        nexts
    }

    fn enactor(&self, state: &State, index: usize, add: &mut Add<'_>) {
        let has_room = state.sent.len() < usize::from(self.config.in_flight);
        match &state.hands[index] {
            Hands::Empty => {
                self.target.replace(state.target.clone());
                match self.target.found().expect("no world has a record of a later format") {
                    Observed::Record(record) => {
                        add(&|next| next.hands[index] = Hands::Loaded(record.clone()))
                    }
                    nothing if has_room => {
                        let first = nothing.genesis(Nonce::new(u128::MAX), &self.me, Quarantine::default());
                        let first = first.expect("there is no record").into_record();
                        let first = Sent::Create(Box::new(first));
                        add(&|next| next.sent.push(first.clone()));
                    }
                    _ => {}
                }
            }
            Hands::Loaded(record) => {
                add(&|next| next.hands[index] = Hands::Sighted(record.clone(), next.head));
                add(&|next| next.hands[index] = Hands::Empty);
            }
            Hands::Sighted(record, head) => {
                let requests = if has_room { self.acts(record, *head, state) } else { Vec::new() };
                for request in requests {
                    add(&|next| {
                        next.sent.push(Sent::Swap(Box::new(request.clone())));
                        next.hands[index] = Hands::Empty;
                    });
                }
                add(&|next| next.hands[index] = Hands::Empty);
            }
        }
    }

    fn deliver(&self, state: &State, sent: &Sent) -> Option<(Contents, bool)> {
        self.target.replace(state.target.clone());
        let (swap, stays) = match sent {
            Sent::Create(record) => (self.target.begin(None, record), self.config.creates_again),
            Sent::Swap(request) => (self.target.receive(request).expect("the rider fits"), true),
        };
        (swap == Swap::Won).then(|| (self.target.contents(), stays))
    }
}

fn of_nonce(record: &FenceRecord, nonce: u128) -> FenceRecord {
    FenceRecord { attempt: Nonce::new(nonce), ..record.clone() }
}

/// The same state with its nonces renamed in order of appearance; enactors and writes are sorted by what they are.
fn renamed(mut state: State) -> (State, String) {
    let plain = |record: &FenceRecord| codec::encode(&of_nonce(record, 0));
    let hands_plain = |hands: &Hands| match hands {
        Hands::Empty => String::new(),
        Hands::Loaded(record) => plain(record),
        Hands::Sighted(record, head) => format!("{head} {}", plain(record)),
    };
    let sent_plain = |sent: &Sent| match sent {
        Sent::Create(record) => plain(record),
        Sent::Swap(request) => {
            let Request { expected, next, action, rider } = &**request;
            let rider = match rider {
                Rider::Part { plan, basis, .. } => format!("{:?} {basis:?}", plan.generation()),
                Rider::Repair { plan, owners } => format!("{:?} {owners:?}", plan.generation()),
                other => format!("{other:?}"),
            };
            format!("{} {} {action:?} {rider}", plain(expected), plain(next))
        }
    };
    state.hands.sort_by_key(hands_plain);
    state.sent.sort_by_key(sent_plain);
    let mut names: BTreeMap<Nonce, u128> = BTreeMap::new();
    let mut rename = |record: &mut FenceRecord| {
        let next = names.len() as u128 + 1;
        record.attempt = Nonce::new(*names.entry(record.attempt).or_insert(next));
    };
    let mut text = |contents: &mut Contents| {
        if let Some(mut record) = contents.record() {
            rename(&mut record);
            contents.fence = Some(codec::encode(&record));
        }
    };
    text(&mut state.target);
    state.backup.iter_mut().for_each(&mut text);
    let mut key = format!("{:?} {:?} {} {}", state.target, state.backup, state.head, state.deletions);
    for sent in &mut state.sent {
        let shape = sent_plain(sent);
        match sent {
            Sent::Create(record) => {
                rename(record);
                key += &format!("\n{shape} {}", record.attempt);
            }
            Sent::Swap(request) => {
                rename(&mut request.expected);
                rename(&mut request.next);
                key += &format!("\n{shape} {} {}", request.expected.attempt, request.next.attempt);
            }
        }
    }
    for hands in &mut state.hands {
        let shape = hands_plain(hands);
        if let Hands::Loaded(record) | Hands::Sighted(record, _) = hands {
            rename(record);
            key += &format!("\n{shape} {}", record.attempt);
        }
    }
    (state, key)
}

fn place(state: &State) -> String {
    let fence = state.target.record().map(|record| codec::encode(&of_nonce(&record, 0)));
    format!("{:?} {}", Contents { fence, ..state.target.clone() }, state.head)
}

/// How many states there are, and how many different places in them.
fn count(config: Config) -> (usize, usize) {
    let reference = reference(config);
    let start = State {
        target: Contents::default(),
        head: 0,
        hands: vec![Hands::Empty; usize::from(config.enactors)],
        sent: Vec::new(),
        backup: None,
        can_back_up: config.rewind,
        deletions: config.deletions,
    };
    let mut seen = BTreeSet::new();
    let mut places = BTreeSet::new();
    let (start, key) = renamed(start);
    seen.insert(key);
    let mut queue = VecDeque::from([start]);
    while let Some(state) = queue.pop_front() {
        places.insert(place(&state));
        for next in reference.nexts(&state) {
            let (next, key) = renamed(next);
            if seen.insert(key) {
                queue.push_back(next);
            }
        }
    }
    (seen.len(), places.len())
}

fn assert_same(config: Config, states: usize) {
    let (seen, places) = count(config);
    let report = explore(&config, usize::MAX);
    assert!(report.holds(), "{config:?}: {report}");
    println!("{config:?}: reference {seen} states, explorer {}, places {places}", report.states);
    assert_eq!(report.places, places as u64, "{config:?}: places");
    assert_eq!(seen, states, "{config:?}: states of the plain exploration");
}

#[test]
fn the_reductions_leave_nothing_out() {
    let tiny = Config { enactors: 1, generations: 2, creates_again: false, ..Config::default() };
    assert_same(tiny, 703);
    assert_same(Config { in_flight: 2, ..tiny }, 7_112);
    assert_same(Config { enactors: 2, ..tiny }, 13_513);
    assert_same(Config { deletions: 1, ..tiny }, 3_029);
    assert_same(Config { rewind: true, ..tiny }, 8_622);
    assert_same(Config { rewind: true, batch: 2, ..tiny }, 2_850);
    assert_same(Config { layout: Layout::InPlace, rewind: true, deletions: 1, ..tiny }, 10_691);
    assert_same(Config { layout: Layout::InPlace, rewind: true, in_flight: 2, ..tiny }, 22_668);
}
