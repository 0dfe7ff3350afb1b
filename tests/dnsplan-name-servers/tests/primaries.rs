//! Every server starts, serves, and ends with its handle.

use dnsplan_name_servers::{Key, Primary, Software, ask, process};
use hickory_proto::rr::Name;

#[test]
fn each_primary_serves_its_zones_and_ends_when_dropped() {
    let zone = Name::from_ascii("example.").unwrap();
    for software in Software::ALL {
        for key in [None, Some(Key::sample("hmac-sha512"))] {
            let primary = Primary::start(software, &["example.", "example.org."], key.as_ref())
                .unwrap_or_else(|error| panic!("{software}: {error}"));
            let address = primary.address();
            assert_eq!(ask::serial(address, &zone), Some(1), "{software}: {}", primary.log());
            drop(primary);
            process::until("the server to be gone", || ask::serial(address, &zone).is_none());
        }
    }
}
