//! Real name servers on loopback, and what comes in between, for the tests.
//!
//! Each is a child of the test, with ports and a directory of its own, and ends when its handle is dropped. A server that is not
//! installed is an error that says what to install.
//!
//! ```no_run
//! use dnsplan_name_servers::{Key, Primary, Software};
//!
//! let key = Key::sample("hmac-sha256");
//! let primary = Primary::start(Software::Bind, &["example."], Some(&key))?;
//! println!("it takes updates at {}", primary.address());
//! # Ok::<(), dnsplan_name_servers::StartError>(())
//! ```

pub mod ask;
pub mod ports;
mod primary;
pub mod process;
mod proxy;
mod secondary;
mod secondary_config;

pub use primary::{Key, Primary, Software};
pub use process::{Guard, StartError};
pub use proxy::{Fault, Passed, Proxy};
pub use secondary::{Follower, Following, Secondary};
