//! Writer roles and their hand-off: [`dnsplan_leadership`], and where a role is kept and fenced, a feature each. A role in the plan
//! store is in the feature `embedded` (`dnsplan::store::EmbeddedRole`).

pub use dnsplan_leadership::*;

#[cfg(feature = "leadership-etcd")]
pub use dnsplan_etcd as etcd;
#[cfg(feature = "leadership-object-store")]
pub use dnsplan_object_store as object_store;
#[cfg(feature = "leadership-postgres")]
pub use dnsplan_postgres as postgres;
