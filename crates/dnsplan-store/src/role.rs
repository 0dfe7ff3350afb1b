//! A writer role in the store's file: its register, and appends as what it fences. Who leads, may append; the floor is compared
//! in the transaction that stores the plan.
//!
//! [`PlanStore::append`](dnsplan_plan::PlanStore::append) of a store that is not [led](EmbeddedStore::led_by) asks for no epoch:
//! people roll back and publish beside a planner, and the compare-and-swap on the head is what keeps them apart.

use std::sync::Arc;

use dnsplan_fence::{Generation, Genesis, Nonce, Observed, ParentGeneration, Permit, Register, Swap};
use dnsplan_leadership::text::{self, Malformed};
use dnsplan_leadership::{
    BelowFloor, Epoch, Fenced, Floor, Holder, Leadership, NotSent, Order, Position, Receipt, Scope, Term,
    Token, WriteId, Written,
};
use dnsplan_plan::{AppendError, Plan, Proposal, StoreError};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::EmbeddedStore;
use crate::number::Number;
use crate::session::{Fault, Session, Shared};

/// A writer role in a store's file.
#[derive(Clone)]
pub struct EmbeddedRole {
    store: EmbeddedStore,
    scope: Scope,
}

impl std::fmt::Debug for EmbeddedRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedRole").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// An append under an epoch.
#[derive(Clone, Debug)]
pub struct Append {
    /// What the plan was made on.
    pub parent: ParentGeneration,
    /// The plan.
    pub proposal: Proposal,
    /// Settles a lost reply: [`PlanStore::find`](dnsplan_plan::PlanStore::find).
    pub attempt: Nonce,
}

/// The last sign of life. For failure detectors; no append depends on it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beat {
    /// Whose it was, as text; `None` where nobody has given one.
    pub by: Option<String>,
    /// It was a goodbye.
    pub is_goodbye: bool,
    /// Counts up with each sign.
    pub count: u64,
}

impl Beat {
    /// Whether this very holder has said goodbye. Another one's goodbye says nothing of it: whoever was granted the next epoch
    /// has not given a sign yet.
    #[must_use]
    pub fn is_goodbye_of(&self, holder: &Holder) -> bool {
        self.is_goodbye && self.by.as_ref().is_some_and(|by| *by == holder.to_string())
    }
}

/// What a goodbye ends with. No holder's name has a blank in it.
const GOODBYE: &str = " left";

/// What became of an append under an epoch.
enum Outcome {
    Appended(Arc<Plan>, Position),
    Fenced(BelowFloor),
    Refused(AppendError),
}

impl EmbeddedStore {
    /// A writer role in this file.
    #[must_use]
    pub fn role(&self, scope: Scope) -> EmbeddedRole {
        EmbeddedRole { store: Self { shared: Arc::clone(&self.shared), lead: None }, scope }
    }

    /// The same store, whose appends go through a leadership: after the first refusal by the role's floor it appends nothing any
    /// more, for good.
    #[must_use]
    pub fn led_by(&self, lead: Arc<Leadership<EmbeddedRole>>) -> Self {
        Self { shared: Arc::clone(&self.shared), lead: Some(lead) }
    }
}

impl EmbeddedRole {
    /// How many appends were accepted under an epoch of it, by now.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub async fn applied(&self) -> Result<Position, StoreError> {
        self.read("SELECT position FROM role WHERE scope = ?1", |row| row.get(0))
            .await
            .map(|position| Position::new(position.unwrap_or(Number(0)).0))
    }

    /// Says that `by` is there.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be written.
    pub async fn beat(&self, by: &Holder) -> Result<(), StoreError> {
        self.say(by.to_string()).await
    }

    /// Says that `by` is there no more.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be written.
    pub async fn say_goodbye(&self, by: &Holder) -> Result<(), StoreError> {
        self.say(format!("{by}{GOODBYE}")).await
    }

    async fn say(&self, what: String) -> Result<(), StoreError> {
        let scope = self.scope.clone();
        self.change(move |sql| {
            let beat = "INSERT INTO role (scope, beat, beats) VALUES (?1, ?2, 1)
                        ON CONFLICT (scope) DO UPDATE SET beat = ?2, beats = beats + 1";
            sql.prepare_cached(beat)?.execute(params![scope.as_str(), what])?;
            Ok(())
        })
        .await
    }

    /// The last sign of life.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub async fn last_beat(&self) -> Result<Beat, StoreError> {
        let read = |row: &rusqlite::Row<'_>| {
            let said: Option<String> = row.get(0)?;
            let goodbye = said.as_ref().and_then(|said| said.strip_suffix(GOODBYE).map(str::to_owned));
            let (is_goodbye, count) = (goodbye.is_some(), row.get::<_, Number>(1)?.0);
            Ok(Beat { by: goodbye.or(said), is_goodbye, count })
        };
        Ok(self.read("SELECT beat, beats FROM role WHERE scope = ?1", read).await?.unwrap_or_default())
    }

    async fn read<T: Send + 'static>(
        &self,
        sql: &'static str,
        row: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let scope = self.scope.clone();
        let read = move |shared: &Shared| {
            shared.journal(TransactionBehavior::Deferred, |connection| {
                Ok(connection.prepare_cached(sql)?.query_row([scope.as_str()], row).optional()?)
            })
        };
        self.store.blocking(read).await
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.blocking(move |shared| shared.journal(TransactionBehavior::Immediate, work)).await
    }

    /// Puts `next` there where exactly `expected` is (`None`: nothing), or nothing.
    async fn put(&self, expected: Option<String>, next: String) -> Result<Swap<Term>, StoreError> {
        let scope = self.scope.clone();
        let put = self.change(move |sql| {
            let begin = "INSERT INTO role (scope, record) VALUES (?1, ?3)
                         ON CONFLICT (scope) DO UPDATE SET record = ?3 WHERE record IS ?2";
            let swap = "UPDATE role SET record = ?3 WHERE scope = ?1 AND record = ?2";
            let statement = if expected.is_none() { begin } else { swap };
            let rows = sql.prepare_cached(statement)?.execute(params![scope.as_str(), expected, next])?;
            let there = "SELECT record FROM role WHERE scope = ?1";
            let there =
                sql.prepare_cached(there)?.query_row([scope.as_str()], |row| row.get(0)).optional()?;
            Ok((rows == 1, there.flatten()))
        });
        match put.await {
            Ok((true, _)) => Ok(Swap::Won),
            Ok((false, there)) => Ok(Swap::Lost(there.and_then(|there: String| text::read(&there).ok()))),
            Err(StoreError::Unknown(_)) => Ok(Swap::Unknown),
            Err(error) => Err(error),
        }
    }
}

impl Register for EmbeddedRole {
    type Payload = Term;
    type Rider = ();
    type Error = StoreError;

    async fn load(&self) -> Result<Observed<Term>, StoreError> {
        let found =
            self.read("SELECT record FROM role WHERE scope = ?1", |row| row.get::<_, Option<String>>(0));
        let Some(found) = found.await?.flatten() else { return Ok(Observed::Absent) };
        match text::read(&found) {
            Ok(record) => Ok(Observed::Record(record)),
            Err(Malformed::NotARecord(_)) => Ok(Observed::Unreadable(found.into_bytes().into())),
            Err(later @ Malformed::LaterFormat(_)) => Err(StoreError::Refused(later.to_string())),
        }
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, StoreError> {
        // It was loaded as text.
        let expected = genesis.replaces().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        self.put(expected, text::write(genesis.record())).await
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, StoreError> {
        self.put(Some(text::write(permit.expected())), text::write(permit.next())).await
    }
}

impl Fenced for EmbeddedRole {
    type Write = Append;
    type Error = AppendError;

    async fn write(&self, token: &Token, id: WriteId, append: Append) -> Result<Written, AppendError> {
        let (scope, epoch) = (self.scope.clone(), token.epoch());
        match self.store.blocking(move |shared| shared.append_under(&scope, epoch, append)).await {
            Ok(Outcome::Appended(_, position)) => Ok(Written::Applied(position)),
            Ok(Outcome::Fenced(below)) => Ok(Written::Fenced(below)),
            Ok(Outcome::Refused(refusal)) => Err(refusal),
            Err(StoreError::Unknown(_)) => Ok(Written::Unknown(id)),
            Err(error) => Err(error.into()),
        }
    }

    async fn seal(&self, order: Order) -> Result<Receipt, AppendError> {
        let (scope, epoch) = (self.scope.clone(), order.epoch());
        let position = self.change(move |sql| {
            let floor = Floor::NONE.seal(epoch).lowest();
            let seal = "INSERT INTO role (scope, floor) VALUES (?1, ?2)
                        ON CONFLICT (scope) DO UPDATE SET floor = max(floor, ?2) RETURNING position";
            let sealed = params![scope.as_str(), Number::from(floor)];
            Ok(sql.prepare_cached(seal)?.query_row(sealed, |row| row.get::<_, Number>(0))?)
        });
        Ok(order.done(Position::new(position.await?.0)))
    }
}

impl Shared {
    fn append_under(&self, scope: &Scope, epoch: Epoch, append: Append) -> Result<Outcome, StoreError> {
        let Append { parent, proposal, attempt } = append;
        self.read_ahead(&proposal)?;
        let outcome = self.write(|session| {
            let floor = match session.floor(scope)?.admit(epoch) {
                Ok(floor) => floor,
                Err(below) => return Ok(Outcome::Fenced(below)),
            };
            match session.append(parent, proposal, attempt)? {
                Ok(plan) => Ok(Outcome::Appended(plan, session.accepted(scope, floor)?)),
                Err(refusal) => Ok(Outcome::Refused(refusal)),
            }
        })?;
        if let Outcome::Appended(plan, _) = &outcome {
            self.cache.keep(plan);
        }
        Ok(outcome)
    }
}

impl Session<'_> {
    fn floor(&self, scope: &Scope) -> Result<Floor, Fault> {
        let mut floor = self.sql.prepare_cached("SELECT floor FROM role WHERE scope = ?1")?;
        let floor: Option<Number> = floor.query_row([scope.as_str()], |row| row.get(0)).optional()?;
        Ok(floor.map_or(Floor::NONE, |floor| Floor::recorded(Generation::from(floor))))
    }

    /// One more was accepted, and nothing older is any more.
    fn accepted(&self, scope: &Scope, floor: Floor) -> Result<Position, Fault> {
        let accept = "INSERT INTO role (scope, floor, position) VALUES (?1, ?2, 1)
                      ON CONFLICT (scope) DO UPDATE SET floor = ?2, position = position + 1 RETURNING position";
        let accepted = params![scope.as_str(), Number::from(floor.lowest())];
        let position: Number = self.sql.prepare_cached(accept)?.query_row(accepted, |row| row.get(0))?;
        Ok(Position::new(position.0))
    }
}

/// Appends through a leadership. What was appended is looked up, as by anybody who has lost the reply.
pub(crate) async fn append_led(
    store: &EmbeddedStore,
    lead: &Leadership<EmbeddedRole>,
    append: Append,
) -> Result<Arc<Plan>, AppendError> {
    let (zone, attempt) = (append.proposal.zone.origin().clone(), append.attempt);
    let deposed = |why: String| AppendError::Store(StoreError::Refused(why));
    match lead.write(WriteId::new(attempt.get()), append).await {
        Ok(Written::Applied(_)) => {
            let gone = || StoreError::NotFound("plan that was appended a moment ago".to_owned());
            Ok(store.found(&zone, attempt).await?.ok_or_else(gone)?)
        }
        Ok(Written::Fenced(below)) => Err(deposed(below.to_string())),
        Ok(Written::Unknown(_)) => {
            Err(StoreError::Unknown("the commit of an append failed".to_owned()).into())
        }
        Err(NotSent::Resource(refusal)) => Err(refusal),
        Err(stopped @ (NotSent::Stopped(_) | NotSent::Full(_))) => Err(deposed(stopped.to_string())),
    }
}
