//! dnsplan-hickory
