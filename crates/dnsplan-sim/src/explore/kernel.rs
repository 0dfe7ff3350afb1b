//! The production code behind small numbers: contents, records, writes and stores are interned, and what production
//! decides or does is asked once for every distinct question and remembered.
//!
//! What is asked: [`MemoryTarget::found`], [`MemoryTarget::begin`] and [`MemoryTarget::receive`] here, the enactor's
//! choice of writes in `moves`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use dnsplan_enactor::conformance::{Contents, MemoryTarget, Request};
use dnsplan_enactor::{FenceRecord, Layout, Quarantine, Rider, TreeName, codec};
use dnsplan_fence::{Actor, Move, Nonce, Observed, Swap};
use dnsplan_plan::OwnerName;
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

use super::check::Marks;
use super::config::{Config, Rule};
use super::moves::Moves;
use super::plans::{PlanId, Plans, Store};

/// Interned contents without the fence text.
pub(super) type ContentsId = u16;
/// An interned fence: nothing, garbage, or a record without its nonce.
pub(super) type FenceId = u16;
/// An interned write.
pub(super) type FormId = u16;
/// An interned store.
pub(super) type StoreId = u8;

/// There is no fence record.
pub(super) const ABSENT: FenceId = 0;
/// There is something else in its place.
pub(super) const CORRUPT: FenceId = 1;
const FIRST_RECORD: u16 = 2;

const HAND_WRITTEN: &str = "edited by hand";
const EXPECTED: Nonce = Nonce::new(1);
const NEXT: Nonce = Nonce::new(2);

pub(super) type Memo<K, V> = IndexMap<K, V, FxBuildHasher>;

/// A write: what it expects, what it leaves, what it does. Two with the same fields are the same write but for nonces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Form {
    pub(super) expected: FenceId,
    pub(super) next: FenceId,
    pub(super) what: What,
}

/// What a write does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum What {
    /// Puts a first record.
    Create,
    /// R4 left out: puts a first record that grants this plan, and the plan.
    CreateLive(PlanId),
    /// A part, with the owner names that may differ (`None`: nobody knows).
    Part(Move, PlanId, Option<Vec<OwnerName>>),
    /// Restores owner names.
    Repair(PlanId, Vec<OwnerName>),
    /// Raises the floor.
    Floor(Move),
    /// Deletes a tree.
    Reap(TreeName),
}

/// What is at the target beside the fence.
#[derive(Clone, Default, Debug)]
pub(super) struct There {
    /// All of it.
    pub(super) contents: Contents,
    /// What a hand took out of trees, and nobody has put back.
    pub(super) missing: BTreeSet<(TreeName, OwnerName)>,
}

pub(super) struct Kernel {
    pub(super) config: Config,
    pub(super) plans: Plans,
    pub(super) target: MemoryTarget,
    pub(super) me: Actor,
    pub(super) stores: IndexSet<Store, FxBuildHasher>,
    there: Vec<There>,
    there_ids: BTreeMap<Vec<[u8; 3]>, ContentsId>,
    records: Vec<FenceRecord>,
    record_ids: BTreeMap<String, FenceId>,
    pub(super) forms: Vec<Form>,
    requests: Vec<Option<Request>>,
    form_ids: BTreeMap<Form, FormId>,
    delivered: Memo<(ContentsId, FormId), ContentsId>,
    pub(super) moves: Moves,
    pub(super) marks: Marks,
}

impl Kernel {
    pub(super) fn new(config: Config) -> Self {
        let lines = 1 + u8::from(config.store_rewind);
        let plans = Plans::new(config.generations, lines, config.comes_and_goes);
        let origin = plans.owners[0].clone();
        let target = MemoryTarget::new(origin, config.layout, usize::from(config.batch));
        let mut kernel = Self {
            config,
            plans,
            target,
            me: Actor::new("enactor").expect("invariant: a valid actor name"),
            stores: std::iter::once(Store::EMPTY).collect(),
            there: Vec::new(),
            there_ids: BTreeMap::new(),
            records: Vec::new(),
            record_ids: BTreeMap::new(),
            forms: Vec::new(),
            requests: Vec::new(),
            form_ids: BTreeMap::new(),
            delivered: Memo::default(),
            moves: Moves::default(),
            marks: Marks::default(),
        };
        kernel.intern_contents(There::default());
        kernel
    }

    pub(super) fn store(&self, id: StoreId) -> Store {
        self.stores[usize::from(id)]
    }

    pub(super) fn intern_store(&mut self, store: Store) -> StoreId {
        StoreId::try_from(self.stores.insert_full(store).0).expect("invariant: at most 256 states of a store")
    }

    /// The record, where there is one.
    pub(super) fn record(&self, fence: FenceId) -> Option<&FenceRecord> {
        self.records.get(usize::from(fence.checked_sub(FIRST_RECORD)?))
    }

    pub(super) fn intern_record(&mut self, record: &FenceRecord) -> FenceId {
        let record = FenceRecord { attempt: EXPECTED, ..record.clone() };
        let text = codec::encode(&record);
        assert!(codec::decode(&text).is_ok(), "a permit leaves a record that nobody can read: {text}");
        if let Some(id) = self.record_ids.get(&text) {
            return *id;
        }
        let count = u16::try_from(self.records.len()).ok();
        let id = count.and_then(|count| count.checked_add(FIRST_RECORD)).expect("invariant: few records");
        self.records.push(record);
        self.record_ids.insert(text, id);
        id
    }

    pub(super) fn there(&self, id: ContentsId) -> &There {
        &self.there[usize::from(id)]
    }

    /// Interns what is there. What a hand took away is not missed any more where it is back, or its tree is gone.
    pub(super) fn intern_contents(&mut self, mut there: There) -> ContentsId {
        let trees = &there.contents.trees;
        there.missing.retain(|(tree, owner)| trees.get(tree).is_some_and(|nodes| !nodes.contains_key(owner)));
        let code = self.code(&there);
        if let Some(id) = self.there_ids.get(&code) {
            return *id;
        }
        let id = ContentsId::try_from(self.there.len()).expect("invariant: at most 65,536 contents");
        there.contents.fence = None;
        self.there.push(there);
        self.there_ids.insert(code, id);
        id
    }

    /// Contents, without the fence, by plans and owner names: (tree, owner, content), (pointer), (node in place),
    /// (missing).
    fn code(&self, There { contents, missing }: &There) -> Vec<[u8; 3]> {
        let small =
            |at: Option<usize>| u8::try_from(at.map_or(0, |at| at + 1)).expect("invariant: few plans");
        let owner = |name: &OwnerName| small(self.plans.owners.iter().position(|owner| owner == name));
        let tree = |name: &TreeName| {
            small(self.plans.all.iter().position(|plan| self.plans.named(*name) == Some(plan)))
        };
        let node = |name: &OwnerName, node| {
            small(self.plans.all.iter().position(|plan| plan.zone().node(name) == Some(node)))
        };
        let mut code = Vec::new();
        for (name, nodes) in &contents.trees {
            code.push([tree(name), 0, 0]);
            code.extend(nodes.iter().map(|(at, is)| [tree(name), owner(at), node(at, is)]));
        }
        code.extend(contents.pointers.iter().map(|(at, to)| [u8::MAX, owner(at), tree(to)]));
        code.extend(contents.nodes.iter().map(|(at, is)| [u8::MAX - 1, owner(at), node(at, is)]));
        code.extend(missing.iter().map(|(name, at)| [u8::MAX - 2, owner(at), tree(name)]));
        code
    }

    /// The target with these contents and this fence, whose record carries `nonce`.
    pub(super) fn load(&self, contents: ContentsId, fence: FenceId) -> &MemoryTarget {
        let text = match (fence, self.record(fence)) {
            (ABSENT, _) => None,
            (_, Some(record)) => Some(codec::encode(record)),
            (_, None) => Some(HAND_WRITTEN.to_owned()),
        };
        self.target.replace(Contents { fence: text, ..self.there(contents).contents.clone() });
        &self.target
    }

    /// What a load finds where the fence is this one.
    pub(super) fn found(&self, fence: FenceId) -> Observed<Quarantine> {
        self.load(0, fence).found().expect("invariant: no world has a record of a later format")
    }

    pub(super) fn form(&self, id: FormId) -> &Form {
        &self.forms[usize::from(id)]
    }

    pub(super) fn intern_form(&mut self, form: Form, request: Option<Request>) -> FormId {
        if let Some(id) = self.form_ids.get(&form) {
            return *id;
        }
        let id = FormId::try_from(self.forms.len()).expect("invariant: at most 65,536 writes");
        self.forms.push(form.clone());
        self.requests.push(request);
        self.form_ids.insert(form, id);
        id
    }

    /// Whether a write is compared with the record.
    pub(super) fn is_fenced(&self, id: FormId) -> bool {
        !match self.form(id).what {
            What::Reap(_) => self.config.is_without(Rule::FencedReap),
            What::Part(Move::Flip(_) | Move::Apply(_), ..) => self.config.is_without(Rule::FencedFlip),
            _ => false,
        }
    }

    /// Whether a write leaves another record.
    pub(super) fn writes_record(&self, id: FormId) -> bool {
        !match self.form(id).what {
            What::Reap(_) => self.config.is_without(Rule::FencedReap),
            What::Part(Move::Stage(_), ..) => self.config.is_without(Rule::StageWritesRecord),
            _ => false,
        }
    }

    /// The contents once a write took effect.
    pub(super) fn deliver(&mut self, contents: ContentsId, id: FormId) -> ContentsId {
        if let Some(after) = self.delivered.get(&(contents, id)) {
            return *after;
        }
        let form = self.form(id).clone();
        let target = self.load(contents, form.expected);
        match (&form.what, &self.requests[usize::from(id)]) {
            (What::CreateLive(plan), _) => {
                let plan = Rc::new(self.plans.get(*plan).clone());
                target.edit(|there| super::weak::put_whole(there, self.config.layout, &plan));
            }
            (_, Some(request)) => {
                if self.config.is_without(Rule::NamedByDigest) {
                    target.edit(|there| super::weak::share_trees(there, &request.rider));
                }
                let swap = target.receive(request);
                assert_eq!(swap, Ok(Swap::Won), "the write fits the record it expects: {form:?}");
            }
            (_, None) => {
                let next = self.record(form.next).expect("invariant: a first record is a record");
                let replaces = (form.expected == CORRUPT).then_some(HAND_WRITTEN.as_bytes());
                assert_eq!(target.begin(replaces, next), Swap::Won, "the creation fits what it expects");
            }
        }
        let missing = self.there(contents).missing.clone();
        let after = self.intern_contents(There { contents: target.contents(), missing });
        self.delivered.insert((contents, id), after);
        after
    }

    /// A request with the nonces that stand for "expected" and "next".
    pub(super) fn request(
        &self,
        expected: FenceId,
        next: &FenceRecord,
        action: Move,
        rider: Rider,
    ) -> Request {
        let expected = self.record(expected).expect("invariant: a permit expects a record").clone();
        Request { expected, next: FenceRecord { attempt: NEXT, ..next.clone() }, action, rider }
    }

    pub(super) fn is_tree(&self) -> bool {
        self.config.layout == Layout::Tree
    }
}
