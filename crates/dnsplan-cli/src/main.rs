//! dnsplan
fn main() {}
