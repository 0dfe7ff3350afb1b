//! The spec that most tests work with, and questions about it.

use std::net::SocketAddr;

use crate::harness::{udp, wait_for};

/// The part of every spec before its marker.
pub(crate) const BASE: &str = r#"
[zone."example.org."]
ns = ["ns1"]
ttl = 5

[pool.blue]
members = [
  { id = "blue-1", ipv4 = "192.0.2.11", ipv6 = "2001:db8::11", weight = 3 },
  { id = "blue-2", ipv4 = "192.0.2.12", ipv6 = "2001:db8::12" },
]

[[endpoint]]
name = "api"
pools = { blue = 1 }
families = ["ipv4", "ipv6"]

[[record]]
name = "ns1"
type = "A"
data = "192.0.2.53"

[[record]]
name = "*.tenants"
type = "CNAME"
data = "api"

[[record]]
name = "@"
type = "TXT"
data = "v=spf1 -all"
"#;

/// The spec whose `web` is at `mark`, the part of it that tests edit.
pub(crate) fn spec(mark: u8) -> String {
    format!("{BASE}\n[[record]]\nname = \"web\"\ntype = \"A\"\ndata = \"{}\"\n", web(mark))
}

/// The address of `web` in [`spec`].
pub(crate) fn web(mark: u8) -> String {
    format!("198.51.100.{mark}")
}

/// The spec without its protected endpoint.
pub(crate) fn without_endpoint(mark: u8) -> String {
    let spec = spec(mark);
    let start = spec.find("[[endpoint]]").unwrap();
    let end = start + spec[start..].find("[[record]]").unwrap();
    format!("{}{}", &spec[..start], &spec[end..])
}

/// The spec with a zone `example.net` beside the other.
pub(crate) fn two_zones(mark: u8) -> String {
    let first = spec(mark).replace("\nname = ", "\nzone = \"example.org.\"\nname = ");
    format!("{first}{OTHER_ZONE}")
}

/// A zone of its own.
pub(crate) const OTHER_ZONE: &str = r#"
[zone."example.net."]
ns = ["ns1.example.org."]

[[record]]
name = "www.example.net."
type = "A"
data = "203.0.113.80"
"#;

/// What `web` answers with.
pub(crate) fn answer(server: SocketAddr) -> Vec<String> {
    udp(server, "web.example.org", "A").data("A")
}

/// The zone's serial, which is the generation that is live.
pub(crate) fn serial(server: SocketAddr) -> u64 {
    let soa = udp(server, "example.org", "SOA");
    let data = soa.data("SOA");
    data.first()
        .and_then(|soa| soa.split(' ').nth(2))
        .unwrap_or_else(|| panic!("{}", soa.text))
        .parse()
        .unwrap()
}

/// Waits until the answers are those of `spec(mark)`.
pub(crate) fn wait_answer(server: SocketAddr, mark: u8) {
    wait_for(&format!("{} at {server}", web(mark)), || (answer(server) == [web(mark)]).then_some(()));
}
