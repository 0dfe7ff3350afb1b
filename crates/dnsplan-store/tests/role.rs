//! A writer role in the store's file: the suite, and two planners of which one appends.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dnsplan_fence::{Actor, Nonce, ParentGeneration, Register};
use dnsplan_leadership::conformance::{self as suite, Harness, Role};
use dnsplan_leadership::{
    Beliefs, Candidate, Coordinator, HandoffId, Holder, Incarnation, Leadership, Node, Scope, Seen, Step,
};
use dnsplan_plan::{AppendError, PlanStore, StoreError, conformance};
use dnsplan_store::{Append, Beat, EmbeddedRole, EmbeddedStore};
use rusqlite::Connection;
use tempfile::TempDir;

/// Roles in one file. Each role's plans are of the zone of the suite of stores, under a name of their own.
struct Roles {
    directory: TempDir,
    made: AtomicU64,
}

impl Roles {
    fn open(&self, scope: &Scope) -> EmbeddedStore {
        EmbeddedStore::open(self.directory.path().join(format!("{scope}.sqlite"))).unwrap()
    }

    fn role(&self, scope: &Scope) -> EmbeddedRole {
        self.open(scope).role(scope.clone())
    }
}

impl Harness for Roles {
    type Register = EmbeddedRole;
    type Resource = EmbeddedRole;

    async fn make(&self) -> Role<Self> {
        let scope = format!("role-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let scope = Scope::new(&scope).unwrap();
        Role::new(scope.clone(), self.role(&scope), self.role(&scope))
    }

    async fn register(&self, role: &Role<Self>) -> EmbeddedRole {
        self.role(&role.scope)
    }

    async fn resource(&self, role: &Role<Self>) -> EmbeddedRole {
        self.role(&role.scope)
    }

    fn write(&self, role: &Role<Self>, number: u64) -> Append {
        // The suite's writes come one by one: what is the head now is the head then.
        let store = self.open(&role.scope);
        let head = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(store.head(&conformance::origin())).unwrap()
        });
        let parent = head.as_deref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let zone = head.map_or_else(conformance::zone, |head| head.zone().clone());
        let zone = conformance::with_address(&zone, &format!("n{number}"), 1);
        let proposal = conformance::proposal(zone, "planner");
        Append { parent, proposal, attempt: Nonce::new(u128::from(number)) }
    }

    async fn written(&self, role: &Role<Self>) -> Vec<u64> {
        let store = self.open(&role.scope);
        let mut found = Vec::new();
        for number in 0..100 {
            if let Some(at) = store.find(&conformance::origin(), Nonce::new(number)).await.unwrap() {
                found.push((at, u64::try_from(number).unwrap()));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, number)| number).collect()
    }
}

fn roles() -> Roles {
    Roles { directory: TempDir::new().unwrap(), made: AtomicU64::new(0) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_the_suite_holds() {
    suite::all(&roles()).await;
}

fn life(name: &str) -> Holder {
    Holder { node: Node::new(name).unwrap(), incarnation: Incarnation::new(1) }
}

/// Has that node lead, whoever does: as another one would that takes the holder for gone.
async fn led(store: &EmbeddedStore, name: &str, first_attempt: u128) -> Arc<Leadership<EmbeddedRole>> {
    let role = store.role(scope());
    let mut coordinator = Coordinator::new(role.clone(), role.clone(), Actor::new(name).unwrap());
    for attempt in first_attempt.. {
        let gone = Seen::of(&role.load().await.unwrap())
            .and_then(|seen| seen.term().holder().filter(|holder| **holder != life(name)).cloned());
        let candidates = [Candidate { holder: life(name), applied: role.applied().await.unwrap() }];
        let beliefs = Beliefs {
            demand: None,
            failover: HandoffId::new(first_attempt),
            gone: gone.as_ref(),
            is_abandoned: true,
            is_drained: true,
            is_overdue: true,
            candidates: &candidates,
            proven: None,
            published: None,
        };
        let turn = coordinator.turn(&beliefs, Nonce::new(attempt)).await.unwrap();
        if matches!(turn.step, Step::Canary(_)) {
            let lead = Leadership::take_up(&turn.seen.unwrap(), scope(), life(name), role);
            return Arc::new(lead.expect("it leads"));
        }
    }
    unreachable!("attempts do not end")
}

fn scope() -> Scope {
    Scope::new("planner").unwrap()
}

async fn append(store: &EmbeddedStore, label: &str, attempt: u128) -> Result<u64, AppendError> {
    let head = store.head(&conformance::origin()).await?;
    let parent = head.as_deref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let zone = head.map_or_else(conformance::zone, |head| head.zone().clone());
    let proposal = conformance::proposal(conformance::with_address(&zone, label, 1), "planner");
    let plan = store.append(parent, proposal, Nonce::new(attempt)).await?;
    Ok(plan.generation().get())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_of_two_planners_one_appends_and_the_deposed_one_is_refused_by_the_store() {
    let directory = TempDir::new().unwrap();
    let open = || EmbeddedStore::open(directory.path().join("plans.sqlite")).unwrap();
    let [one, other] = [open(), open()];
    let first = led(&one, "one", 100).await;
    let one = one.led_by(Arc::clone(&first));
    assert_eq!(append(&one, "a", 1).await, Ok(1));
    let second = led(&other, "other", 200).await;
    let other = other.led_by(second);
    assert_eq!(append(&other, "b", 2).await, Ok(2));
    // It has heard of nothing, and plans on the head there is: nothing but the epoch is in its way.
    assert!(!first.is_stopped());
    let refused = append(&one, "c", 3).await.unwrap_err();
    assert!(
        matches!(&refused, AppendError::Store(StoreError::Refused(why)) if why.contains("epoch 1 is over")),
        "{refused}"
    );
    assert!(first.is_stopped());
    let again = append(&one, "c", 4).await.unwrap_err();
    assert!(again.to_string().contains("has stopped"), "{again}");
    assert_eq!(append(&other, "d", 5).await, Ok(3));
    // Whoever does not lead, and is no planner, appends as ever.
    assert_eq!(append(&open(), "e", 6).await, Ok(4));
    assert_eq!(append(&other, "f", 7).await, Ok(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_append_is_refused_for_is_said_under_an_epoch_too() {
    let directory = TempDir::new().unwrap();
    let store = EmbeddedStore::open(directory.path().join("plans.sqlite")).unwrap();
    let lead = led(&store, "one", 100).await;
    let store = store.led_by(Arc::clone(&lead));
    assert_eq!(append(&store, "a", 1).await, Ok(1));
    let unchanged = append(&store, "a", 2).await;
    assert!(matches!(unchanged, Err(AppendError::Unchanged(_))), "{unchanged:?}");
    let stale = conformance::proposal(conformance::with_address(&conformance::zone(), "b", 1), "planner");
    let stale = store.append(ParentGeneration::NONE, stale, Nonce::new(3)).await;
    assert!(matches!(stale, Err(AppendError::Stale { .. })), "{stale:?}");
    assert!(!lead.is_stopped(), "none of it is about the epoch");
    assert_eq!(append(&store, "b", 4).await, Ok(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_of_life_are_counted_and_say_whose_they_are() {
    let roles = roles();
    let role = roles.role(&scope());
    assert_eq!(role.last_beat().await.unwrap(), Beat::default());
    for (count, name) in [(1, "a"), (2, "a"), (3, "b")] {
        role.beat(&life(name)).await.unwrap();
        let beat = roles.role(&scope()).last_beat().await.unwrap();
        assert_eq!(beat, Beat { by: Some(format!("{name}.1")), is_goodbye: false, count });
        assert!(!beat.is_goodbye_of(&life(name)), "it is there");
    }
    role.say_goodbye(&life("a")).await.unwrap();
    let beat = roles.role(&scope()).last_beat().await.unwrap();
    assert_eq!(beat, Beat { by: Some("a.1".to_owned()), is_goodbye: true, count: 4 });
    let another = Holder { incarnation: Incarnation::new(2), ..life("a") };
    assert_eq!(
        [&life("a"), &life("b"), &another].map(|holder| beat.is_goodbye_of(holder)),
        [true, false, false]
    );
    // Nobody leads for having said so.
    assert!(matches!(role.load().await.unwrap(), dnsplan_fence::Observed::Absent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_floor_never_falls_and_a_role_is_never_deleted_by_whatever_statement() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plans.sqlite");
    let store = EmbeddedStore::open(&path).unwrap();
    let first = led(&store, "one", 100).await;
    led(&store, "other", 200).await;
    let sql = Connection::open(&path).unwrap();
    for (statement, says) in [
        ("UPDATE role SET floor = 0", "never falls"),
        ("DELETE FROM role", "never deleted"),
        ("UPDATE role SET floor = floor - 1 WHERE scope = 'planner'", "never falls"),
    ] {
        let refused = sql.execute(statement, []).unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
    }
    assert!(append(&store.led_by(first), "a", 1).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_read_is_replaced_and_a_later_format_never() {
    use dnsplan_fence::{Observed, Swap};
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plans.sqlite");
    let role = EmbeddedStore::open(&path).unwrap().role(scope());
    role.say_goodbye(&life("one")).await.unwrap();
    let sql = Connection::open(&path).unwrap();
    let put = |text: &str| sql.execute("UPDATE role SET record = ?1", [text]).unwrap();
    put("edited by hand");
    let found = role.load().await.unwrap();
    assert!(matches!(&found, Observed::Unreadable(bytes) if **bytes == *b"edited by hand"), "{found:?}");
    let term = dnsplan_leadership::Term::vacant();
    let first = || found.clone().genesis(Nonce::new(1), &Actor::new("c").unwrap(), term.clone()).unwrap();
    put("edited again");
    assert!(matches!(role.create(first()).await.unwrap(), Swap::Lost(None)));
    put("edited by hand");
    assert_eq!(role.create(first()).await.unwrap(), Swap::Won);
    put("dnsplan-lead2 whatever it says");
    let later = role.load().await.unwrap_err();
    assert!(later.to_string().contains("stand by"), "{later}");
}
