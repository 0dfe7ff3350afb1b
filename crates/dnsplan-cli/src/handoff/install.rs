//! `handoff --install`: the schema and the guards.

use dnsplan::leadership::postgres::{Conninfo, guard, install as install_schema, move_between_servers};

use crate::args;
use crate::failure::{Code, Failure};
use crate::handoff::file::{File, Place};
use crate::render;

/// Installs the schema at the register and at the primary, whose replicas get it from there, and guards the tables. It may be done
/// again, and waits for the transactions that write.
pub(super) async fn install(common: &args::Common, file: &File) -> Result<Code, Failure> {
    if let Place::Postgres(postgres) = &file.place {
        at(postgres, "the register").await?;
    }
    let mut primaries = Vec::new();
    for entry in &file.nodes {
        let name = entry.node.to_string();
        let pool = entry.postgres.pool();
        let client = pool
            .get()
            .await
            .map_err(|error| Failure::error(format!("{name}: {error}; start it, then try again")))?;
        let row = client.query_one("SELECT pg_catalog.pg_is_in_recovery()", &[]).await;
        let is_replica: bool =
            row.and_then(|row| row.try_get(0)).map_err(|error| Failure::error(format!("{name}: {error}")))?;
        if !is_replica {
            primaries.push((name, client));
        }
    }
    let [(name, client)] = &primaries[..] else {
        let names: Vec<&str> = primaries.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Failure::error(format!(
            "one of the nodes has to be the primary, and the others its replicas; primaries: {}",
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        )));
    };
    let failed = |error: dnsplan::leadership::postgres::Error| Failure::error(format!("{name}: {error}"));
    install_schema(client).await.map_err(failed)?;
    move_between_servers(client, &file.role).await.map_err(failed)?;
    for table in &file.tables {
        guard(client, table, &file.role).await.map_err(failed)?;
    }
    if common.format == args::Format::Json {
        render::print_json(&serde_json::json!({
            "schema": "dnsplan.handoff.install/1", "primary": name, "role": file.role.as_str(), "tables": file.tables
        }));
    } else {
        outln!("{}: installed at {name}; guarded: {}", file.role, file.tables.join(", "));
    }
    Ok(Code::Done)
}

async fn at(postgres: &Conninfo, what: &str) -> Result<(), Failure> {
    let client = postgres
        .pool()
        .get()
        .await
        .map_err(|error| Failure::error(format!("{what}: {error}; start it, then try again")))?;
    install_schema(&client).await.map_err(|error| Failure::error(format!("{what}: {error}")))
}
