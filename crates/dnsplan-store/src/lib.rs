//! dnsplan-store
