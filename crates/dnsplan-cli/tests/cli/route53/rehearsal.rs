//! `plan --change-batches`: what is printed is what enacting sends.

use serde_json::Value;

use super::{LAYOUTS, web_at};
use crate::harness::Hosted;
use crate::spec::{spec, web};

/// A batch without the random part of the fence records in it.
fn bare(batch: &Value) -> Value {
    let mut batch = batch.clone();
    for change in batch["Changes"].as_array_mut().unwrap() {
        let set = &mut change["ResourceRecordSet"];
        if set["Name"] == "_dnsplan.example.org." {
            let text = set["ResourceRecords"][0]["Value"].as_str().unwrap();
            let words: Vec<&str> = text.split(' ').filter(|word| !word.starts_with("n=")).collect();
            assert_eq!(words.len() + 1, text.split(' ').count(), "{text}");
            set["ResourceRecords"][0]["Value"] = words.join(" ").into();
        }
    }
    batch
}

fn printed(out: &str) -> Vec<Value> {
    out.lines().map(|line| bare(&serde_json::from_str(line).unwrap())).collect()
}

fn sent(hosted: &Hosted, from: usize) -> Vec<Value> {
    hosted.done()[from..].iter().map(bare).collect()
}

#[test]
fn the_change_batches_that_are_printed_are_those_that_apply_sends() {
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        let target = ["--target", &hosted.target, "--layout", layout];
        let preview = [&["plan", "spec.toml", "--change-batches"], &target[..]].concat();
        let apply = [&["apply", "spec.toml"], &target[..]].concat();
        for mark in 1..4 {
            hosted.cell.save("spec.toml", &spec(mark));
            let (before, changes) = (hosted.done().len(), hosted.changes());
            let run = hosted.run(&preview).expect(0).says(&["nothing was sent"]);
            assert_eq!(hosted.changes(), changes, "{run:#?}");
            assert_eq!(hosted.cell.path("data").exists(), mark > 1, "a preview makes no store");
            if mark > 1 {
                assert_eq!(hosted.cell.head(), u64::from(mark) - 1, "a preview appends nothing");
            }
            let json = hosted.run(&[&preview[..], &["--format", "json"]].concat()).expect(0).json();
            assert_eq!(
                (&json["schema"], &json["zone"]),
                (&"dnsplan.change-batches/1".into(), &"example.org.".into())
            );
            assert_eq!(json["hosted_zone_id"], hosted.zone_id.as_str());
            let listed: Vec<Value> = json["batches"].as_array().unwrap().iter().map(bare).collect();
            assert_eq!(listed, printed(&run.out));
            hosted.ok(&apply);
            assert_eq!(web_at(&hosted), [web(mark)]);
            let sent = sent(&hosted, before);
            assert!(!sent.is_empty());
            assert_eq!(printed(&run.out), sent, "{layout} {mark}");
        }
        let nothing = hosted.run(&[&preview[..], &["--detailed-exitcode"]].concat()).expect(0);
        assert_eq!(nothing.out, "");
        hosted.cell.save("spec.toml", &spec(9));
        hosted.run(&[&preview[..], &["--detailed-exitcode"]].concat()).expect(2);
    }
}

#[test]
fn a_rehearsal_repairs_what_somebody_has_changed() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    let target = ["--target", &hosted.target];
    hosted.ok(&[&["apply", "spec.toml"], &target[..]].concat());
    hosted.fake.remove_by_hand(&hosted.zone_id, "web.example.org", "A");
    let before = hosted.done().len();
    let out = hosted.ok(&[&["plan", "spec.toml", "--change-batches"], &target[..]].concat());
    hosted.ok(&[&["apply", "spec.toml"], &target[..]].concat());
    assert_eq!(printed(&out), sent(&hosted, before));
    assert_eq!(web_at(&hosted), [web(1)]);
}

#[test]
fn a_rehearsal_says_what_keeps_a_plan_out() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    let target = ["--target", &hosted.target];
    let (preview, apply) = (["plan", "spec.toml", "--change-batches"], ["apply", "spec.toml"]);
    hosted.ok(&[&apply[..], &target].concat());
    hosted.cell.ok(&["freeze", "--reason", "a look around"]);
    hosted.run(&[&preview[..], &target].concat()).expect(3).says(&["frozen by", "a look around"]);
    hosted.cell.ok(&["unfreeze"]);
    // A guard that refuses to publish refuses to rehearse.
    hosted.cell.save("spec.toml", &crate::spec::without_endpoint(1));
    hosted.run(&[&preview[..], &target].concat()).expect(4).says(&["never-empty"]);
    // A store that was lost knows nothing of what is there.
    std::fs::remove_dir_all(hosted.cell.path("data")).unwrap();
    hosted.cell.save("spec.toml", &spec(2));
    hosted
        .run(&[&preview[..], &target].concat())
        .expect(1)
        .says(&["exists with other content", "would not be put in place"]);
}

#[test]
fn a_plan_of_several_batches_is_rehearsed_in_order() {
    let many = |mark: u8| -> String {
        let record = |index: usize| {
            let data: Vec<String> = (0..20).map(|low| format!("\"10.{mark}.{index}.{low}\"")).collect();
            let data = data.join(", ");
            format!("\n[[record]]\nname = \"host-{index}\"\ntype = \"A\"\ndata = [{data}]\n")
        };
        let records: String = (0..60).map(record).collect();
        format!("{}{records}", spec(mark))
    };
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        let target = ["--target", &hosted.target, "--layout", layout];
        for mark in 1..3 {
            hosted.cell.save("spec.toml", &many(mark));
            let before = hosted.done().len();
            let out = hosted.ok(&[&["plan", "spec.toml", "--change-batches"], &target[..]].concat());
            hosted.ok(&[&["apply", "spec.toml"], &target[..]].concat());
            assert!(out.lines().count() >= 3, "{}", out.lines().count());
            assert_eq!(printed(&out), sent(&hosted, before), "{layout} {mark}");
            assert_eq!(hosted.answer("host-59.example.org", "A").len(), 20);
        }
    }
}
