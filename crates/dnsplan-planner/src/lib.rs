//! dnsplan-planner
