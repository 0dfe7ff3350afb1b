//! dnsplan-benches
