//! The register: a row per scope, whose text is compared whole in the statement that replaces it.

use deadpool_postgres::Pool;
use dnsplan_fence::{Genesis, Observed, Permit, Record, Register, Swap};
use dnsplan_leadership::text::{self, Malformed};
use dnsplan_leadership::{Scope, Term};

use crate::Error;
use crate::error::is_certain;
use crate::session::Session;

/// A leadership record in a PostgreSQL database: the one that is written, or another one.
#[derive(Clone, Debug)]
pub struct PostgresRegister {
    pool: Pool,
    scope: Scope,
}

impl PostgresRegister {
    /// The register of a scope. The pool leads to the primary; a replica is refused.
    #[must_use]
    pub const fn new(pool: Pool, scope: Scope) -> Self {
        Self { pool, scope }
    }

    /// Puts `next` where exactly `expected` is, or nothing.
    async fn put(&self, expected: Option<&str>, next: &str) -> Result<Swap<Term>, Error> {
        let session = Session::begin(&self.pool).await?;
        let sql = "SELECT won, now FROM dnsplan_fence.swap($1, $2, $3)";
        let statement = session.prepare_cached(sql).await?;
        match session.query_one(&statement, &[&self.scope.as_str(), &expected, &next]).await {
            Ok(row) => {
                session.end();
                let there = || text::read(row.try_get(1).ok()?).ok();
                Ok(match row.try_get(0) {
                    Ok(true) => Swap::Won,
                    Ok(false) => Swap::Lost(there()),
                    Err(_) => Swap::Unknown,
                })
            }
            Err(error) if is_certain(&error) => {
                session.end();
                Err(error.into())
            }
            Err(_) => Ok(Swap::Unknown),
        }
    }
}

impl Register for PostgresRegister {
    type Payload = Term;
    type Rider = ();
    type Error = Error;

    async fn load(&self) -> Result<Observed<Term>, Error> {
        let session = Session::begin(&self.pool).await?;
        let statement = session.prepare_cached("SELECT dnsplan_fence.load($1)").await?;
        let row = session.query_one(&statement, &[&self.scope.as_str()]).await?;
        let found: Option<String> = row.try_get(0)?;
        session.end();
        let Some(found) = found else { return Ok(Observed::Absent) };
        match text::read(&found) {
            Ok(record) => Ok(Observed::Record(record)),
            Err(Malformed::NotARecord(_)) => Ok(Observed::Unreadable(found.into_bytes().into())),
            Err(later) => Err(later.into()),
        }
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Error> {
        // It was loaded as text.
        let replaces = genesis.replaces().map(String::from_utf8_lossy);
        self.put(replaces.as_deref(), &text::write(genesis.record())).await
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, Error> {
        let expected: &Record<Term> = permit.expected();
        self.put(Some(&text::write(expected)), &text::write(permit.next())).await
    }
}
