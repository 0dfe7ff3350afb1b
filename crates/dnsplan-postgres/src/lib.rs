//! A writer role of a PostgreSQL server: the register and the fenced resource of [`dnsplan_leadership`], in the database that is
//! written.
//!
//! A transaction enters an epoch, and holds a lock of the scope, shared, until it ends; a seal raises the floor under the same
//! lock, exclusive. Guarded tables refuse rows from transactions that have not entered. [`SCHEMA`] has the rules, and works for
//! programs in any language; docs/leadership.md says how to set it up, and what it cannot promise.
//!
//! ```no_run
//! # async fn f(pool: deadpool_postgres::Pool, token: dnsplan_leadership::Token) -> Result<(), Box<dyn std::error::Error>> {
//! use dnsplan_leadership::{Fenced, Scope, WriteId, Written};
//! use dnsplan_postgres::{PostgresResource, Write, guard, install};
//!
//! let scope = Scope::new("orders")?;
//! let client = pool.get().await?; // once, as the owner of the tables
//! install(&client).await?;
//! guard(&client, "shop.orders", &scope).await?;
//!
//! let resource = PostgresResource::new(pool, scope);
//! let write = Write::new(|client| {
//!     Box::pin(async move {
//!         client.execute("INSERT INTO shop.orders (item) VALUES ($1)", &[&"a lamp"]).await?;
//!         Ok(())
//!     })
//! });
//! match resource.write(&token, WriteId::new(0x5eed), write).await? {
//!     Written::Applied(position) => println!("it is there, at {position}"),
//!     Written::Fenced(below) => println!("{below}"),
//!     Written::Unknown(id) => println!("{:?}", resource.lookup(&token, id).await?),
//! }
//! # Ok(())
//! # }
//! ```

mod connect;
mod error;
mod install;
mod register;
mod resource;
pub mod servers;
mod session;
mod write;

pub use connect::{Conninfo, InvalidConninfo};
pub use error::Error;
pub use install::{SCHEMA, guard, install, move_between_servers};
pub use register::PostgresRegister;
pub use resource::{Found, PostgresResource};
pub use write::{Isolation, Work, Write};
