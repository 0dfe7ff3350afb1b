//! dnsplan-examples
