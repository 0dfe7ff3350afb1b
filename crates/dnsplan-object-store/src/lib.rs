//! A writer role in an object store: the register is one object, and what is led is another, a manifest. Each is replaced by a put
//! that is conditional on the version that was read (`If-Match`), and on nothing else.
//!
//! 1. Objects cannot be fenced one by one. What a leader writes counts once the manifest names it: write objects under names that
//!    nobody else uses, then [`Write`] the manifest.
//! 2. No two bodies are ever the same: a record carries its attempt, a manifest the ids of its last writes. So a store whose
//!    version is a fingerprint of the body still compares what it is meant to.
//! 3. A put that is refused may be one's own, whose first reply was lost and that a client has sent again: it is read before it is
//!    believed.
//!
//! Any store of the `object_store` crate does that has conditional puts: S3 and what is like it, Google's, Azure's, and memory. Files
//! on a local disk have none, and are refused.
//!
//! ```
//! # use std::sync::Arc;
//! # async fn f(store: Arc<dyn object_store::ObjectStore>, token: dnsplan_leadership::Token) -> Result<(), dnsplan_object_store::Error> {
//! use dnsplan_leadership::{Fenced, Scope, WriteId, Written};
//! use dnsplan_object_store::{Place, Write};
//!
//! let place = Place::new(store, "cells/7", Scope::new("orders").expect("a name"));
//! place.install().await?; // once, before anybody leads
//!
//! let write = Write::new(|before| [before, b"segment-17\n"].concat());
//! match place.resource().write(&token, WriteId::new(0x5eed), write).await? {
//!     Written::Applied(position) => println!("it is there, as version {position}"),
//!     Written::Fenced(below) => println!("{below}"),
//!     Written::Unknown(id) => println!("{:?}", place.resource().lookup(&token, id).await?),
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod manifest;
mod place;
mod register;
mod resource;

pub use error::Error;
pub use place::Place;
pub use register::ObjectRegister;
pub use resource::{Found, ObjectResource, Write};
