//! Real PostgreSQL servers on loopback, and a proxy that cuts connections, for the tests.
//!
//! Each is a child of the test, with a port and a directory of its own, and ends when its handle is dropped. One that is not
//! installed is an error that says what to install.

mod node;
mod proxy;
mod server;

pub use dnsplan_name_servers::StartError;
pub use node::Node;
pub use proxy::{Fault, Proxy};
pub use server::Server;
