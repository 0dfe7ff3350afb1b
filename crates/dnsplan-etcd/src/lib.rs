//! A writer role in etcd: the register and the fenced resource of [`dnsplan_leadership`]. What is written and the check of its
//! epoch are one etcd transaction.
//!
//! Under `PREFIX/SCOPE/`:
//!
//! | key | what |
//! |---|---|
//! | `record` | the leadership record, [`dnsplan_leadership::text`]; replaced only where it is exactly what was read |
//! | `floor` | the lowest epoch that is accepted, in 20 digits, so that etcd compares it as a number |
//! | `last` | touched by every accepted write: its revision is the position of the last one |
//! | `writes/EPOCH/ID` | one for each accepted write, so that one whose reply was lost can be looked up |
//! | `nodes/HOLDER` | under a lease: who announces itself. For failure detectors; no write depends on it |
//!
//! An etcd lock or lease is no fence: who stops for longer than its lease wakes up and writes. Here such a write is refused, by
//! the transaction that would have written.
//!
//! ```no_run
//! # async fn f(client: etcd_client::Client, token: dnsplan_leadership::Token) -> Result<(), dnsplan_etcd::Error> {
//! use dnsplan_etcd::{Place, Write};
//! use dnsplan_leadership::{Fenced, Scope, WriteId, Written};
//!
//! let place = Place::new(client, "/cells/7/leadership", Scope::new("orders").expect("a name"));
//! place.install().await?; // once, before anybody leads
//!
//! let write = Write::new().put("/cells/7/orders/1", "a lamp");
//! match place.resource().write(&token, WriteId::new(0x5eed), write).await? {
//!     Written::Applied(position) => println!("it is there, at revision {position}"),
//!     Written::Fenced(below) => println!("{below}"),
//!     Written::Unknown(id) => println!("{:?}", place.resource().lookup(&token, id).await?),
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod place;
mod presence;
mod register;
mod resource;
mod write;

pub use error::Error;
pub use place::Place;
pub use presence::Presence;
pub use register::EtcdRegister;
pub use resource::{EtcdResource, Found};
pub use write::Write;
