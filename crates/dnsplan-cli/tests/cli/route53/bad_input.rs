//! What is wrong is said at once, with what to do about it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use dnsplan_route53_fake::{Fault, Operation, RecordSet};

use super::LAYOUTS;
use crate::harness::{Daemon, Hosted, canned, wait_for, wait_within};
use crate::spec::{OTHER_ZONE, spec, web};

/// All that look at a hosted zone, each as it is called.
fn commands(target: &str) -> Vec<Vec<&str>> {
    let zone_id = target.trim_start_matches("route53:");
    vec![
        vec!["enactor", "--target", target],
        vec!["apply", "spec.toml", "--target", target],
        vec!["plan", "spec.toml", "--target", target, "--change-batches"],
        vec!["import", "route53", zone_id],
    ]
}

#[test]
fn a_hosted_zone_that_is_not_there() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    for command in commands("route53:ZNOSUCHZONE") {
        let run = hosted.run(&command).expect(1);
        run.says(&["there is no hosted zone ZNOSUCHZONE", "aws route53 list-hosted-zones", "AWS_PROFILE"]);
    }
    assert_eq!(hosted.changes(), 0);
}

#[test]
fn what_the_credentials_lack() {
    let cases = [
        (Fault::AccessDenied, vec!["AccessDenied", "allow route53:", "docs/route53.md"]),
        (Fault::ExpiredToken, vec!["ExpiredToken", "aws sso login"]),
        (Fault::InvalidClientTokenId, vec!["InvalidClientTokenId", "AWS_ACCESS_KEY_ID"]),
    ];
    for (fault, remedy) in cases {
        let hosted = Hosted::new();
        hosted.cell.save("spec.toml", &spec(1));
        hosted.fake.inject(fault.always());
        for command in commands(&hosted.target) {
            hosted.run(&command).expect(1).says(&remedy);
        }
        assert!(
            !hosted.cell.path("data/plans.sqlite").exists()
                || hosted.cell.json(&["status"])["zones"] == serde_json::json!([])
        );
    }
}

#[test]
fn a_policy_that_allows_to_read_only() {
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        hosted.cell.save("spec.toml", &spec(1));
        hosted.fake.inject(Fault::AccessDenied.always().on(Operation::ChangeResourceRecordSets));
        let apply =
            hosted.run(&["apply", "spec.toml", "--target", &hosted.target, "--layout", layout]).expect(1);
        apply.says(&["allow route53:ChangeResourceRecordSets on hosted zone", &hosted.zone_id]);
        // A daemon tries again: policies get mended while it runs.
        let enactor =
            hosted.start(&["enactor", "--target", &hosted.target, "--layout", layout, "--poll", "0.05"]);
        enactor.wait_err("allow route53:ChangeResourceRecordSets");
        hosted.fake.clear_faults();
        enactor.wait_out("generation 1 is live");
    }
}

#[test]
fn no_credentials_at_all_and_no_long_wait_for_them() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    for command in commands(&hosted.target) {
        let mut command = hosted.command(&hosted.at_fake(&command));
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        let start = Instant::now();
        let run = Daemon::of(command, Stdio::piped()).finish().expect(1);
        run.says(&["there are no AWS credentials", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"]);
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}

#[test]
fn credentials_of_a_profile_are_found() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    hosted.cell.save("profiles", "[other]\naws_access_key_id = AK\naws_secret_access_key = SK\n");
    let mut command = hosted.command(&hosted.at_fake(&["apply", "spec.toml", "--target", &hosted.target]));
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("AWS_PROFILE", "other").env("AWS_SHARED_CREDENTIALS_FILE", hosted.cell.path("profiles"));
    Daemon::of(command, Stdio::piped()).finish().expect(0);
}

#[test]
fn a_private_hosted_zone() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    let body = "<GetHostedZoneResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HostedZone>\
                <Id>/hostedzone/ZPRIVATE</Id><Name>example.org.</Name><CallerReference>1</CallerReference>\
                <Config><PrivateZone>true</PrivateZone></Config></HostedZone>\
                <VPCs><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1</VPCId></VPC></VPCs></GetHostedZoneResponse>";
    let url = canned("200 OK", body.to_owned());
    for command in commands("route53:ZPRIVATE") {
        let command = hosted.command(&[&command[..], &["--endpoint-url", &url]].concat());
        let run = Daemon::of(command, Stdio::piped()).finish().expect(1);
        run.says(&["hosted zone ZPRIVATE is private", "name the public hosted zone"]);
    }
}

#[test]
fn names_that_are_not_the_hosted_zones() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    for command in commands(&hosted.target) {
        let run = hosted.run(&[&command[..], &["--zone", "example.net"]].concat()).expect(1);
        run.says(&["is example.org., and --zone says example.net.", "leave --zone out"]);
        if command[0] != "apply" {
            continue;
        }
        hosted.run(&[&command[..], &["--zone", "example.org", "--timeout", "60"]].concat()).expect(0);
    }
    hosted.cell.save("spec.toml", OTHER_ZONE);
    for command in &commands(&hosted.target)[1..3] {
        hosted
            .run(command)
            .expect(1)
            .says(&["is example.org., and the spec has example.net.", "[zone.\"example.org.\"]"]);
    }
}

#[test]
fn what_does_not_go_together_is_said_before_anything_is_done() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    let target = hosted.target.as_str();
    let refused: [(&[&str], &[&str]); 16] = [
        (
            &["enactor", "--target", target, "--dns", "127.0.0.1:0"],
            &["--dns is for a DNS server", "leave one out"],
        ),
        (&["enactor", "--target", target, "--enactors", "2"], &["--enactors is for a DNS server"]),
        (
            &["enactor", "--target", "one", "--layout", "tree"],
            &["--layout is for a hosted zone", "route53:ZONEID"],
        ),
        (
            &["enactor", "--target", "one", "--poll", "1"],
            &["--poll is for a zone that is served elsewhere", "route53:ZONEID"],
        ),
        (&["enactor", "--poll", "1"], &["--target"]),
        (
            &["enactor", "--target", "one", "--requests-per-second", "9"],
            &["--requests-per-second is for a hosted zone"],
        ),
        (&["enactor", "--target", target, "--changes-per-second", "0"], &["a number from 1 up"]),
        (&["enactor", "--target", target, "--poll", "0"], &["a number of seconds from 0.01"]),
        (&["enactor", "--target", target, "--layout", "whole"], &["in-place", "tree"]),
        (&["enactor", "--target", target, "--endpoint-url", "localhost"], &["http:// or https://"]),
        (&["import", "route53", "Z1", "--endpoint-url", "ftp://x"], &["http:// or https://"]),
        (&["enactor", "--target", "route53:"], &["a hosted zone's id is", "list-hosted-zones"]),
        (
            &["up", "spec.toml", "--target", target],
            &["this command answers DNS itself", "dnsplan enactor --target"],
        ),
        (
            &["apply", "spec.toml", "--target", "one"],
            &["name a hosted zone of Route 53 (route53:ZONEID)", "rfc2136:ADDR:PORT"],
        ),
        (&["plan", "spec.toml", "--change-batches"], &["--target"]),
        (&["plan", "spec.toml", "--target", target], &["--change-batches"]),
    ];
    for (args, parts) in refused {
        hosted.cell.run(args).expect(64).says(parts);
    }
    assert!(!hosted.cell.path("data").exists());
}

#[test]
fn a_daemon_waits_for_a_server_that_is_away() {
    let hosted = Hosted::new();
    hosted.publish(&spec(1));
    hosted.fake.inject(Fault::RequestLost.always());
    let mut enactor = hosted.start(&["enactor", "--target", &hosted.target, "--poll", "0.05"]);
    enactor.wait_err("cannot go on for now");
    enactor.assert_alive();
    hosted.fake.clear_faults();
    wait_within(Duration::from_secs(60), "the ready line", || {
        enactor.out().contains("generation 1 is live").then_some(())
    });
}

/// As after a program was put back to what it was before an upgrade.
#[test]
fn g5_a_newer_programs_record_is_left_alone_and_status_says_so() {
    let hosted = Hosted::new();
    hosted.publish(&spec(1));
    drop(hosted.enactor("in-place"));
    let (before, later) = (hosted.fence(), "\"dnsplan2 whatever=it-says c=c0d198716548f025\"");
    let by_hand = |value: &str| RecordSet::new("_dnsplan.example.org", "TXT").ttl(60).value(value);
    hosted.fake.put_by_hand(&hosted.zone_id, &by_hand(later));
    hosted.publish(&spec(2));
    let mut enactor = hosted.start(&["enactor", "--target", &hosted.target, "--poll", "0.05"]);
    enactor.wait_err("the fence record is of format 2");
    wait_for("its word in the status", || {
        hosted.cell.ok(&["status"]).contains("the fence record is of format 2").then_some(())
    });
    hosted.run(&["apply", "spec.toml", "--target", &hosted.target]).expect(1).says(&["format 2", "upgraded"]);
    enactor.assert_alive();
    assert_eq!((hosted.fence().as_str(), hosted.answer("web.example.org", "A")), (later, vec![web(1)]));
    hosted.fake.put_by_hand(&hosted.zone_id, &by_hand(&before));
    enactor.wait_out("generation 2 is live");
}

#[test]
fn a_health_check_that_is_not_there() {
    for is_protected in [true, false] {
        let hosted = Hosted::new();
        let protection = format!("name = \"api\"\nprotected = {is_protected}");
        let checked = spec(1).replace("name = \"api\"", &protection);
        let checked = checked.replace("weight = 3", "weight = 3, health_check = \"no-such-check\"");
        hosted.cell.save("spec.toml", &checked);
        let apply = ["apply", "spec.toml", "--target", &hosted.target];
        let (code, last) = if is_protected {
            (4, "in place but for api.example.org., which it protects and the target rejects")
        } else {
            (1, "but for api.example.org., which is set aside")
        };
        let said = ["api.example.org. set aside", "health check with id no-such-check", last];
        hosted.run(&apply).expect(code).says(&said);
        assert_eq!(hosted.answer("web.example.org", "A"), [web(1)], "the rest is live");
        hosted.run(&apply).expect(code).says(&said);
        hosted.fake.add_health_check("no-such-check");
        // The same spec: what was in the way is gone.
        hosted.ok(&apply);
        assert_eq!(hosted.answer("api.example.org", "A").len(), 1);
    }
}
