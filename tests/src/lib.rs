//! dnsplan-tests
