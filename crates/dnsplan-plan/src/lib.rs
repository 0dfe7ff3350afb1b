//! dnsplan-plan
