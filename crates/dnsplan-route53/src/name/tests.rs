use dnsplan_enactor::TreeName;
use dnsplan_fence::{Digest, Generation};
use dnsplan_plan::OwnerName;
use proptest::prelude::*;

use super::{Names, Staged, abbreviate, from_api, to_api};

fn name(text: &str) -> OwnerName {
    text.parse().expect("a name")
}

fn names() -> Names {
    Names::new(name("example.com.")).expect("a short zone")
}

fn tree() -> TreeName {
    TreeName { generation: Generation::new(42), digest: Digest::new([0xab; 32]) }
}

#[test]
fn names_that_people_can_read() {
    let names = names();
    assert_eq!(names.fence().to_string(), "_dnsplan.example.com.");
    assert_eq!(names.tree_root(&tree()).to_string(), "g42-abababababababab._dnsplan.example.com.");
    let staged = |owner: &str| names.staged(&name(owner), &tree()).unwrap().to_string();
    assert_eq!(staged("www.example.com."), "www.g42-abababababababab._dnsplan.example.com.");
    assert_eq!(staged("example.com."), "g42-abababababababab._dnsplan.example.com.");
    assert_eq!(staged("*.example.com."), "_any.g42-abababababababab._dnsplan.example.com.");
    let group = names.group(&name("www.example.com."), &tree(), 3).unwrap();
    assert_eq!(group.to_string(), "_3.www.g42-abababababababab._dnsplan.example.com.");
    assert!(names.is_reserved(&group) && names.is_reserved(names.fence()));
    assert!(!names.is_reserved(&name("www.example.com.")));
}

#[test]
fn labels_like_ours_get_out_of_the_way() {
    let names = names();
    let owners = ["*.a", "_any.a", "__any.a", "_1.a", "__1.a", "a", "_.a", "any.a", "_x.a"];
    let staged: std::collections::BTreeSet<_> = owners
        .iter()
        .map(|owner| names.staged(&name(&format!("{owner}.example.com.")), &tree()).unwrap())
        .collect();
    assert_eq!(staged.len(), owners.len());
    let group = names.group(&name("a.example.com."), &tree(), 1).unwrap();
    assert!(!staged.contains(&group), "{group} is a group, not an owner name");
}

#[test]
fn too_long_is_an_error_that_names_the_owner() {
    let label = "a".repeat(60);
    let owner = name(&format!("{label}.{label}.{label}.{label}.com."));
    let names = Names::new(name("com.")).unwrap();
    let error = names.staged(&owner, &tree()).unwrap_err();
    assert!(error.to_string().starts_with(&owner.to_string()), "{error}");
    let special = name(&format!("_{}.com.", "1".repeat(62)));
    assert!(names.staged(&special, &tree()).is_err(), "its label has no room for an underscore");
    assert!(Names::new(owner).is_none());
}

#[test]
fn what_is_in_no_tree_stands_for_nothing() {
    let names = names();
    for other in [
        "www.example.com.",
        "_dnsplan.example.com.",
        "www._dnsplan.example.com.",
        "g42._dnsplan.example.com.",
        "g042-abababababababab._dnsplan.example.com.",
        "g42-abab._dnsplan.example.com.",
        "g42-abababababababab._dnsplan.example.org.",
    ] {
        assert_eq!(names.parse_staged(&name(other)), None, "{other}");
    }
}

#[test]
fn api_text_of_unusual_names() {
    assert_eq!(to_api(&name("*.example.com.")), "\\052.example.com.");
    assert_eq!(from_api("\\052.EXAMPLE.com"), Some(name("*.example.com.")));
    assert_eq!(from_api("*.example.com."), Some(name("*.example.com.")));
    assert_eq!(from_api("\\101B.example.com."), Some(name("ab.example.com.")));
    assert_eq!(to_api(&name(".")), ".");
    assert_eq!(from_api("."), Some(name(".")));
    for bad in ["", "..", "a..b.", ".a.", "a\\", "a\\40.", "a\\999."] {
        assert_eq!(from_api(bad), None, "{bad:?}");
    }
    assert_eq!(from_api(&format!("{}.", "a".repeat(64))), None);
}

fn any_owner() -> impl Strategy<Value = OwnerName> {
    let label = prop_oneof![
        Just(b"*".to_vec()),
        "_{1,3}(any|[0-9]{1,2})".prop_map(String::into_bytes),
        "[a-z0-9_-]{1,8}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>().prop_map(|byte| byte.to_ascii_lowercase()), 1..6),
    ];
    prop::collection::vec(label, 0..5).prop_map(|labels| {
        let mut wire = Vec::new();
        for label in labels {
            wire.push(label.len() as u8);
            wire.extend(label);
        }
        wire.extend(name("example.com.").to_wire());
        OwnerName::from_wire(&wire).expect("a short name")
    })
}

proptest! {
    #[test]
    fn staged_names_lead_back(owner in any_owner(), generation in any::<u64>(), byte in any::<u8>(), index in 1..200usize) {
        let tree = TreeName { generation: Generation::new(generation), digest: Digest::new([byte; 32]) };
        let names = names();
        let expected = Some(Staged { tree: abbreviate(&tree), owner: owner.clone() });
        prop_assert_eq!(&names.parse_staged(&names.staged(&owner, &tree).unwrap()), &expected);
        prop_assert_eq!(names.parse_staged(&names.group(&owner, &tree, index).unwrap()), expected);
    }

    #[test]
    fn api_text_leads_back(owner in any_owner()) {
        let text = to_api(&owner);
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.\\".contains(&byte)), "{}", text);
        prop_assert_eq!(from_api(&text), Some(owner));
    }
}
