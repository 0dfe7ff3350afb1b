//! A metered target in memory: a write has room for so much, edges get what is written late, and only the process that wrote the parts
//! of a chain knows which of them have arrived.
//!
//! 1. What is put where nothing was costs 1, and so does what is taken away; what is put over something else costs 2. In a tree what is
//!    there already is put again, so that this write's arrival speaks for it.
//! 2. The last part of a stage, and of a flip, writes nothing but the record, once the parts before it have arrived.
//! 3. Whatever is refused, or written too early, it is the target that panics: see [`Hosted::check`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_enactor::conformance::{Contents, MemoryTarget, Request, yield_once};
use dnsplan_enactor::partition::order;
use dnsplan_enactor::{
    Arrival, Audit, Basis, Cut, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError,
    TreeName, codec,
};
use dnsplan_fence::{Genesis, Move, Nonce, Observed, Offer, Permit, Register, Swap};
use dnsplan_plan::{Node, OwnerName, Plan, TargetId};

use super::bed::line;
use super::origin;

/// What is there, whoever asks.
#[derive(Default)]
struct Hosted {
    contents: Contents,
    is_late: bool,
    /// How many writes there were, and which of them some edge does not have yet.
    writes: usize,
    underway: BTreeSet<usize>,
    /// The last write of what is in a tree, and of a pointer.
    staged: BTreeMap<(TreeName, OwnerName), usize>,
    pointed: BTreeMap<OwnerName, usize>,
    trace: Vec<String>,
    guesses: Vec<(Option<u64>, Vec<u64>)>,
}

/// The parts of a chain that one process has written.
struct Written {
    /// Whose, whether they are staged, and of how many.
    of: (TreeName, bool, u32),
    writes: Vec<usize>,
    last: Nonce,
}

/// What the next swaps come to instead of what they would.
struct Refusal {
    times: usize,
    is: Box<dyn Fn(Move) -> bool + Send>,
    error: TargetError,
}

/// What one process remembers, and what it is made to meet.
#[derive(Default)]
struct Own {
    chain: Option<Written>,
    flight: BTreeSet<usize>,
    listing: Option<Contents>,
    as_of: Option<Nonce>,
    refusals: Vec<Refusal>,
    arrival: Option<Result<Arrival, TargetError>>,
    audits: usize,
    loads: usize,
    swaps: usize,
    rejects: BTreeSet<OwnerName>,
}

/// One process's handle on the target.
pub(crate) struct Metered {
    id: TargetId,
    zone: OwnerName,
    layout: Layout,
    room: usize,
    is_metered: bool,
    hosted: Arc<Mutex<Hosted>>,
    own: Mutex<Own>,
}

/// The parts of a plan.
struct Parts {
    stage: Vec<Vec<OwnerName>>,
    place: Vec<Vec<OwnerName>>,
}

impl Metered {
    /// An empty target whose writes cost at most `room`.
    pub(crate) fn new(layout: Layout, room: usize) -> Arc<Self> {
        Self::make(layout, room, true, Arc::default())
    }

    /// The same where nothing has a price.
    pub(crate) fn unmetered(layout: Layout, room: usize) -> Arc<Self> {
        Self::make(layout, room, false, Arc::default())
    }

    /// The same target as another process has it, which remembers nothing.
    pub(crate) fn elsewhere(&self) -> Arc<Self> {
        Self::make(self.layout, self.room, self.is_metered, Arc::clone(&self.hosted))
    }

    fn make(layout: Layout, room: usize, is_metered: bool, hosted: Arc<Mutex<Hosted>>) -> Arc<Self> {
        let (id, own) = (TargetId::new("metered".to_owned()), Mutex::default());
        Arc::new(Self { id, zone: origin(), layout, room, is_metered, hosted, own })
    }

    /// From now on no write arrives at the edges.
    pub(crate) fn be_late(&self) {
        self.hosted().is_late = true;
    }

    /// All that was written has arrived by now.
    pub(crate) fn arrive(&self) {
        self.hosted().underway.clear();
    }

    /// So much that was written arrives, the oldest writes last.
    pub(crate) fn arrive_some(&self, count: usize) {
        let mut hosted = self.hosted();
        for _ in 0..count {
            hosted.underway.pop_last();
        }
    }

    /// The next swaps of this process whose moves are such come to this error, so many times.
    pub(crate) fn refuse(
        &self,
        times: usize,
        is: impl Fn(Move) -> bool + Send + 'static,
        error: TargetError,
    ) {
        self.own().refusals.push(Refusal { times, is: Box::new(is), error });
    }

    /// From now on nothing is refused but for what is there.
    pub(crate) fn refuse_nothing(&self) {
        self.own().refusals.clear();
    }

    /// From now on this process is not allowed these owner names.
    pub(crate) fn reject(&self, owners: BTreeSet<OwnerName>) {
        self.own().rejects = owners;
    }

    /// From now on arrival is told so, or as it is.
    pub(crate) fn tell_arrival(&self, arrival: Option<Result<Arrival, TargetError>>) {
        self.own().arrival = arrival;
    }

    /// What was written or refused since the last time, by all processes.
    pub(crate) fn trace(&self) -> Vec<String> {
        std::mem::take(&mut self.hosted().trace)
    }

    /// The plan at the base, and those begun on it, that each part since the last time was told of.
    pub(crate) fn guesses(&self) -> Vec<(Option<u64>, Vec<u64>)> {
        std::mem::take(&mut self.hosted().guesses)
    }

    /// How often this process has read the record, and listed everything, since the last time.
    pub(crate) fn loads(&self) -> usize {
        std::mem::take(&mut self.own().loads)
    }
    pub(crate) fn audits(&self) -> usize {
        std::mem::take(&mut self.own().audits)
    }

    pub(crate) fn contents(&self) -> Contents {
        self.hosted().contents.clone()
    }

    pub(crate) fn record(&self) -> FenceRecord {
        self.hosted().contents.record().expect("a readable record")
    }

    pub(crate) fn edit(&self, edit: impl FnOnce(&mut Contents)) {
        edit(&mut self.hosted().contents);
    }

    /// Does something to the contents as to those of a target in memory.
    pub(crate) fn tamper(&self, tamper: impl FnOnce(&MemoryTarget) -> bool) -> bool {
        let reader = self.reader(self.contents());
        let is_done = tamper(&reader);
        self.hosted().contents = reader.contents();
        is_done
    }

    pub(crate) fn answer(&self, owner: &OwnerName) -> Option<Arc<Node>> {
        self.hosted().contents.answered(self.layout, owner)
    }

    fn hosted(&self) -> MutexGuard<'_, Hosted> {
        self.hosted.lock().expect("nothing panics while it is locked")
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().expect("nothing panics while it is locked")
    }

    /// An unmetered target with the same contents, which knows how to read them.
    fn reader(&self, contents: Contents) -> MemoryTarget {
        let reader = MemoryTarget::new(self.zone.clone(), self.layout, self.room);
        reader.replace(contents);
        reader
    }

    fn compare(&self, contents: Contents, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Audit {
        let writes = |tree: &TreeName| contents.trees[tree].len().div_ceil(self.room).max(1);
        let times: BTreeMap<TreeName, usize> =
            contents.trees.keys().map(|tree| (*tree, writes(tree))).collect();
        let mut audit = self.reader(contents).inspect(plan, set_aside);
        audit.trees = times.iter().flat_map(|(tree, times)| vec![*tree; *times]).collect();
        audit
    }

    fn cut(&self, plan: &Plan, basis: &Basis) -> Parts {
        let own: BTreeSet<OwnerName> = plan.zone().nodes().map(|(owner, _)| owner.clone()).collect();
        let (touched, from, way) = match basis {
            Basis::Changed { owners, from, cut, .. } => (owners.clone(), from.as_deref(), *cut),
            Basis::Unknown => (own.clone(), None, Cut::Guessed),
        };
        let is_tree = self.layout == Layout::Tree;
        let scope = if is_tree { own.union(&touched).cloned().collect() } else { touched };
        let (tree, scope) = (order(plan.zone(), &own), order(plan.zone(), &scope));
        let change = |owner: &OwnerName| {
            from.map(|from| cost(from.zone().node(owner), plan.zone().node(owner), is_tree))
        };
        let mut stage = self.parts(&tree, way, |_| from.map(|_| 1));
        let mut place = self.parts(&scope, way, change);
        if is_tree {
            stage.push(Vec::new());
            place.push(Vec::new());
        } else {
            stage.clear();
        }
        Parts { stage, place }
    }

    /// Where nothing is guessed, everything is put over something else. The number of parts says which way it was: what would have
    /// the same number, or that of the worst case and one more, has empty parts at the end.
    fn parts(
        &self,
        owners: &[OwnerName],
        way: Cut,
        guess: impl Fn(&OwnerName) -> Option<usize>,
    ) -> Vec<Vec<OwnerName>> {
        let end = owners.len()..owners.len();
        let worst = pack(&vec![2; owners.len()], self.room);
        let longest = worst.len() + 1;
        let guessed: Option<Vec<usize>> = owners.iter().map(guess).collect();
        let mut guessed = guessed.map_or_else(|| worst.clone(), |costs| pack(&costs, self.room));
        while guessed != worst && (guessed.len() == worst.len() || guessed.len() == longest) {
            guessed.push(end.clone());
        }
        let mut single = pack(&vec![self.room; owners.len()], self.room);
        while single.len() <= longest.max(guessed.len()) {
            single.push(end.clone());
        }
        let cut = match way {
            Cut::Guessed => guessed,
            Cut::Worst => worst,
            Cut::Single => single,
        };
        cut.into_iter().map(|part| owners[part].to_vec()).collect()
    }

    /// The owner names that a request is about.
    fn owners(&self, request: &Request) -> Vec<OwnerName> {
        match (request.action, &request.rider) {
            (
                Move::Stage(part) | Move::Flip(part) | Move::Apply(part),
                Rider::Part { plan, basis, set_aside },
            ) => {
                let cut = self.cut(plan, basis);
                let parts = if matches!(request.action, Move::Stage(_)) { cut.stage } else { cut.place };
                let owners = parts.into_iter().nth(part.index() as usize).unwrap_or_default();
                owners.into_iter().filter(|owner| !set_aside.contains(owner)).collect()
            }
            (Move::Repair, Rider::Repair { owners, .. }) => owners.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Does to `contents` what the request says, and says what that costs.
    fn carry_out(&self, request: &Request, contents: &mut Contents) -> usize {
        if let Rider::Reap { tree } = &request.rider {
            let left = contents.trees.get_mut(tree).map_or(0, |names| {
                (0..self.room).for_each(|_| drop(names.pop_last()));
                names.len()
            });
            contents.trees.retain(|name, _| name != tree || left > 0);
            return 0;
        }
        let (Rider::Part { plan, .. } | Rider::Repair { plan, .. }) = &request.rider else { return 0 };
        let tree = name_of(plan);
        let spent = self.owners(request).into_iter().map(|owner| {
            let node = plan.zone().node(&owner).cloned();
            let pointer = node.as_ref().map(|_| tree);
            match (request.action, self.layout) {
                (Move::Stage(_), _) => put(contents.trees.entry(tree).or_default(), owner, node, true),
                (Move::Repair, Layout::Tree) => {
                    put(contents.trees.entry(tree).or_default(), owner.clone(), node, true);
                    put(&mut contents.pointers, owner, pointer, true)
                }
                (_, Layout::Tree) => put(&mut contents.pointers, owner, pointer, true),
                _ => put(&mut contents.nodes, owner, node, false),
            }
        });
        spent.sum()
    }

    fn receive(&self, request: &Request) -> Result<Swap<Quarantine>, TargetError> {
        let refusal = self.own().refusal(request.action);
        refusal.map_or(Ok(()), Err)?;
        self.check_arrival(request)?;
        let mut hosted = self.hosted();
        if hosted.contents.fence.as_deref() != Some(&codec::encode(&request.expected)) {
            return Ok(Swap::Lost(hosted.contents.record()));
        }
        let owners = self.owners(request);
        let bad: BTreeSet<OwnerName> =
            self.own().rejects.iter().filter(|bad| owners.contains(bad)).cloned().collect();
        if !bad.is_empty() {
            return Err(TargetError::Rejected { owners: bad, reason: "not here".to_owned() });
        }
        let mut contents = hosted.contents.clone();
        let cost = self.carry_out(request, &mut contents);
        if cost > self.room && request.action != Move::Repair {
            return Err(TargetError::TooLarge(format!("{cost} of {}", self.room)));
        }
        contents.fence = Some(codec::encode(&request.next));
        hosted.contents = contents;
        let write = hosted.note(request, &owners);
        self.own().note(self, request, write);
        Ok(Swap::Won)
    }

    /// Only who wrote the parts before knows whether they have arrived.
    fn check_arrival(&self, request: &Request) -> Result<(), TargetError> {
        let (own, hosted) = (self.own(), self.hosted());
        let pending = |left: usize| match left {
            0 => Ok(()),
            left => Err(TargetError::Pending(format!("{left} writes are on their way"))),
        };
        if matches!(request.action, Move::Reap(_)) {
            return pending(own.flight.intersection(&hosted.underway).count());
        }
        let (Some(of), Move::Stage(part) | Move::Flip(part)) = (chain_of(request), request.action) else {
            return Ok(());
        };
        if part.is_first() {
            return Ok(());
        }
        let is_mine = |chain: &&Written| {
            chain.of == of
                && chain.writes.len() == part.index() as usize
                && chain.last == request.expected.attempt
        };
        let chain = own.chain.as_ref().filter(is_mine).ok_or(TargetError::Unproven)?;
        let left = chain.writes.iter().filter(|write| hosted.underway.contains(write)).count();
        if part.is_last() { pending(left) } else { Ok(()) }
    }
}

impl Hosted {
    /// Notes a write that took effect.
    fn note(&mut self, request: &Request, owners: &[OwnerName]) -> usize {
        self.check(request);
        if let Rider::Part { basis, .. } = &request.rider
            && let Basis::Changed { from, begun, .. } = &**basis
        {
            let number = |plan: &Arc<Plan>| plan.generation().get();
            self.guesses.push((from.as_ref().map(number), begun.iter().map(number).collect()));
        }
        self.writes += 1;
        if self.is_late {
            self.underway.insert(self.writes);
        }
        for owner in owners.iter().cloned() {
            match (request.action, &request.rider) {
                (Move::Stage(_), Rider::Part { plan, .. }) => {
                    self.staged.insert((name_of(plan), owner), self.writes);
                }
                _ => drop(self.pointed.insert(owner, self.writes)),
            }
        }
        self.writes
    }

    /// What must have reached all edges before this write.
    fn check(&self, request: &Request) {
        let is_underway = |write: &usize| self.underway.contains(write);
        match (request.action, &request.rider) {
            (Move::Flip(_), Rider::Part { plan, .. }) => {
                let tree = name_of(plan);
                let mut staged = self.staged.iter().filter(|((name, _), _)| *name == tree);
                assert!(
                    !staged.any(|(_, write)| is_underway(write)),
                    "flipped to what some edge does not have"
                );
                let is_raised = request.next.base > request.expected.base;
                assert!(
                    !is_raised || !self.pointed.values().any(is_underway),
                    "raised over what is underway"
                );
            }
            (Move::Reap(_), _) => {
                assert!(!self.pointed.values().any(is_underway), "reaped what some edge points at");
                let mut held = self.contents.pointers.values();
                let Rider::Reap { tree } = request.rider else { panic!("the rider does not fit") };
                assert!(!held.any(|held| *held == tree), "reaped what is pointed at");
            }
            _ => {}
        }
    }
}

impl Own {
    fn refusal(&mut self, action: Move) -> Option<TargetError> {
        self.swaps += 1;
        assert!(self.swaps < 2_000, "writes in a hot loop");
        let found = self.refusals.iter_mut().find(|refusal| refusal.times > 0 && (refusal.is)(action))?;
        found.times -= 1;
        Some(found.error.clone())
    }

    fn note(&mut self, target: &Metered, request: &Request, write: usize) {
        if let Some(listing) = self.listing.as_mut().filter(|_| self.as_of == Some(request.expected.attempt))
        {
            target.carry_out(request, listing);
            self.as_of = Some(request.next.attempt);
        }
        let last = request.next.attempt;
        match (chain_of(request), self.chain.take()) {
            (None, chain) => {
                self.chain = chain;
                // What a record says by itself need not arrive anywhere.
                if matches!(request.action, Move::Repair | Move::Apply(_)) {
                    self.flight.insert(write);
                }
            }
            (Some(of), Some(mut chain)) if chain.of == of && chain.last == request.expected.attempt => {
                chain.writes.push(write);
                self.chain = Some(Written { last, ..chain });
            }
            (Some(of), _) => self.chain = Some(Written { of, writes: vec![write], last }),
        }
    }
}

/// The chain that a request is a part of, where it matters who wrote the parts before.
fn chain_of(request: &Request) -> Option<(TreeName, bool, u32)> {
    let Rider::Part { plan, .. } = &request.rider else { return None };
    match request.action {
        Move::Stage(part) => Some((name_of(plan), true, part.of())),
        Move::Flip(part) => Some((name_of(plan), false, part.of())),
        _ => None,
    }
}

/// How a plan's tree is named.
pub(crate) fn name_of(plan: &Plan) -> TreeName {
    TreeName { generation: plan.generation(), digest: plan.digest() }
}

fn cost<V: PartialEq>(before: Option<&V>, after: Option<&V>, is_asserted: bool) -> usize {
    match (before, after) {
        (None, None) => 0,
        (Some(before), Some(after)) if before == after && !is_asserted => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

fn put<V: PartialEq>(
    there: &mut BTreeMap<OwnerName, V>,
    owner: OwnerName,
    value: Option<V>,
    is_asserted: bool,
) -> usize {
    let cost = cost(there.get(&owner), value.as_ref(), is_asserted);
    match value {
        Some(value) => there.insert(owner, value),
        None => there.remove(&owner),
    };
    cost
}

/// Fills parts in order. There is always one.
fn pack(costs: &[usize], room: usize) -> Vec<Range<usize>> {
    let (mut cut, mut from, mut sum) = (Vec::new(), 0, 0);
    for (index, cost) in costs.iter().enumerate() {
        if index > from && sum + cost > room {
            cut.push(from..index);
            (from, sum) = (index, 0);
        }
        sum += cost;
    }
    cut.push(from..costs.len());
    cut
}

impl Register for Metered {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        yield_once().await;
        self.own().loads += 1;
        let observed = match &self.hosted().contents.fence {
            None => Observed::Absent,
            Some(text) => codec::observe(text.as_bytes())?,
        };
        yield_once().await;
        Ok(observed)
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        yield_once().await;
        let swap = {
            let mut hosted = self.hosted();
            let reader = self.reader(hosted.contents.clone());
            let swap = reader.begin(genesis.replaces(), genesis.record());
            hosted.contents = reader.contents();
            swap
        };
        yield_once().await;
        Ok(swap)
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        yield_once().await;
        let request = Request::new(permit, rider);
        let outcome = self.receive(&request);
        self.hosted().trace.push(line(&request, &outcome));
        yield_once().await;
        outcome
    }
}

impl Target for Metered {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn zone(&self) -> &OwnerName {
        &self.zone
    }

    fn layout(&self) -> Layout {
        self.layout
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        let cut = self.cut(plan, basis);
        let count = |parts: Vec<Vec<OwnerName>>| u32::try_from(parts.len()).expect("few parts");
        Outline { stage: count(cut.stage), place: count(cut.place) }
    }

    fn repair_limit(&self) -> usize {
        self.room
    }

    fn is_metered(&self) -> bool {
        self.is_metered
    }

    async fn arrival(&self) -> Result<Arrival, TargetError> {
        yield_once().await;
        let (own, hosted) = (self.own(), self.hosted());
        let is_underway = own.flight.iter().any(|write| hosted.underway.contains(write));
        let arrival = if is_underway { Arrival::Underway } else { Arrival::Everywhere };
        own.arrival.clone().unwrap_or(Ok(arrival))
    }

    fn recall(&self, record: &FenceRecord, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Option<Audit> {
        let (listing, as_of) = {
            let own = self.own();
            (own.listing.clone()?, own.as_of)
        };
        // Where somebody else has written since, they see to it, or the next full audit does.
        let is_current = as_of == Some(record.attempt);
        Some(if is_current { self.compare(listing, plan, set_aside) } else { Audit::default() })
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        yield_once().await;
        let contents = self.contents();
        let mut own = self.own();
        own.audits += 1;
        own.as_of = contents.record().map(|record| record.attempt);
        own.listing = Some(contents.clone());
        Ok(self.compare(contents, plan, set_aside))
    }
}
