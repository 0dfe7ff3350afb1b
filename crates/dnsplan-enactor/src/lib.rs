//! dnsplan-enactor
