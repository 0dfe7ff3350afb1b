use dnsplan_fence::Observed;
use dnsplan_plan::RecordType;

use super::{bytes, observed};
use crate::record::RecordSet;
use crate::testing::wanted;
use crate::value::Value;

fn at_fence(texts: &[&str]) -> RecordSet {
    let values = texts.iter().map(|text| Value::txt(text)).collect();
    RecordSet::simple(wanted().names.fence().clone(), RecordType::TXT, 60, values)
}

#[test]
fn what_is_no_record_is_named_to_the_letter() {
    let names = wanted().names;
    assert_eq!(observed(&names, None), Ok(Observed::Absent));
    for texts in [&["edited by hand"][..], &["dnsplan1"], &["dnsplan", "dnsplan1 g=1"]] {
        let set = at_fence(texts);
        assert_eq!(observed(&names, Some(&set)), Ok(Observed::Unreadable(bytes(&set))), "{texts:?}");
    }
}

/// In however many values it comes.
#[test]
fn g5_a_later_format_in_a_record_set_is_no_observation() {
    let later = "dnsplan2 whatever=it-says c=c0d198716548f025";
    for texts in [&[later][..], &[later, "edited by hand"], &["edited by hand", later]] {
        let seen = observed(&wanted().names, Some(&at_fence(texts)));
        let Err(why) = seen else { panic!("{texts:?} is {seen:?}") };
        assert!(why.to_string().contains("format 2"), "{why}");
    }
}
