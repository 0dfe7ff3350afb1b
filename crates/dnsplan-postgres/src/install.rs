//! Setting it up.

use dnsplan_leadership::Scope;
use tokio_postgres::Client;

use crate::Error;

/// The tables and functions, for whoever brings schema changes into a database in another way than [`install`]. It may be run
/// again, and has to be run in one transaction.
pub const SCHEMA: &str = concat!(include_str!("schema.sql"), include_str!("servers.sql"));

/// Puts [`SCHEMA`] into the database, or this version's in the place of an earlier one. Whoever does it owns it, and must not be
/// the role that writes.
///
/// # Errors
/// [`Error`] where the server refuses.
pub async fn install(client: &Client) -> Result<(), Error> {
    // Two at once would get in each other's way.
    let alone = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('dnsplan_fence', 1))";
    let done = client.batch_execute(&format!("BEGIN; {alone}; {SCHEMA}; COMMIT")).await;
    if done.is_err() {
        client.batch_execute("ROLLBACK").await?;
    }
    Ok(done?)
}

/// Says that a role moves between servers: nothing is accepted on any of them before an epoch is opened there
/// ([`servers`](crate::servers)).
///
/// # Errors
/// [`Error`] where the server refuses.
pub async fn move_between_servers(client: &Client, scope: &Scope) -> Result<(), Error> {
    client.query_one("SELECT dnsplan_fence.move($1)", &[&scope.as_str()]).await?;
    Ok(())
}

/// Guards `table` and whatever inherits from it: from now on its rows are written under epochs of `scope` only. It waits for
/// the transactions that write it, and may be done again.
///
/// # Errors
/// [`Error`] where the server refuses: there is no such table, or it is guarded under another scope.
pub async fn guard(client: &Client, table: &str, scope: &Scope) -> Result<(), Error> {
    let sql = "SELECT dnsplan_fence.guard($1::text::regclass, $2)";
    client.query_one(sql, &[&table, &scope.as_str()]).await?;
    Ok(())
}
