//! dnsplan
