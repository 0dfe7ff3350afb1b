//! A hosted zone on loopback, and processes that work on it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use dnsplan_route53_fake::{Change, Fake, Operation, Options, RecordSet};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Cell, Daemon, Run};

/// A directory, and a fake of Route 53 with one hosted zone.
pub(crate) struct Hosted {
    pub(crate) cell: Cell,
    pub(crate) fake: Fake,
    pub(crate) zone_id: String,
    /// `route53:` and the id.
    pub(crate) target: String,
    _runtime: Runtime,
}

impl Hosted {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let fake = runtime.block_on(Fake::start(options)).unwrap();
        let zone_id = fake.create_zone("example.org");
        let target = format!("route53:{zone_id}");
        Self { cell: Cell::new(), fake, zone_id, target, _runtime: runtime }
    }

    /// The binary with credentials and nothing else of AWS's in its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.cell.command(args);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.cell.path("home")).env("USER", "tester");
        command.env("AWS_ACCESS_KEY_ID", "AK").env("AWS_SECRET_ACCESS_KEY", "SK");
        command
    }

    /// The arguments with the fake as the endpoint.
    pub(crate) fn at_fake<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--endpoint-url", self.fake.endpoint_url()]].concat()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Daemon {
        Daemon::of(self.command(&self.at_fake(args)), Stdio::piped())
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.start(args).finish()
    }

    /// Runs a command that must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        self.run(args).expect(0).out
    }

    /// An enactor for the hosted zone that looks often, ready.
    pub(crate) fn enactor(&self, layout: &str) -> Daemon {
        let daemon = self.start(&["enactor", "--target", &self.target, "--layout", layout, "--poll", "0.05"]);
        daemon.wait_out("ready: ");
        daemon
    }

    /// Publishes a text.
    pub(crate) fn publish(&self, text: &str) {
        self.cell.save("spec.toml", text);
        self.cell.ok(&["publish", "spec.toml"]);
    }

    /// What clients are answered, by one of the edges.
    pub(crate) fn answer(&self, name: &str, record_type: &str) -> Vec<String> {
        let answers = self.fake.edge(0).resolve(name, record_type).values();
        answers.into_iter().next().unwrap_or_default()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.fake.counters().calls(Operation::ChangeResourceRecordSets)
    }

    /// The batches that were done, but for what is random in them.
    pub(crate) fn done(&self) -> Vec<Value> {
        self.fake.accepted().iter().map(|batch| change_batch(&batch.changes)).collect()
    }

    /// The text of the fence record.
    pub(crate) fn fence(&self) -> String {
        let sets = self.fake.find(&self.zone_id, "_dnsplan.example.org", "TXT");
        sets.into_iter().flat_map(|set| set.values).collect()
    }
}

/// A batch as the `aws` command line takes it.
fn change_batch(changes: &[Change]) -> Value {
    let change = |change: &Change| json!({ "Action": change.action.to_string(), "ResourceRecordSet": record_set(&change.record_set) });
    json!({ "Changes": changes.iter().map(change).collect::<Vec<_>>() })
}

fn record_set(set: &RecordSet) -> Value {
    let mut json = json!({ "Name": set.name, "Type": set.record_type });
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            json[key] = value;
        }
    };
    put("SetIdentifier", set.set_identifier.as_ref().map(|id| json!(id)));
    put("Weight", set.weight.map(|weight| json!(weight)));
    put("MultiValueAnswer", set.multi_value_answer.then_some(Value::Bool(true)));
    put("TTL", set.ttl.map(|ttl| json!(ttl)));
    put("HealthCheckId", set.health_check_id.as_ref().map(|id| json!(id)));
    put(
        "AliasTarget",
        set.alias.as_ref().map(|alias| {
            json!({
                "HostedZoneId": alias.zone_id,
                "DNSName": alias.dns_name,
                "EvaluateTargetHealth": alias.evaluate_target_health,
            })
        }),
    );
    let values = set.values.iter().map(|value| json!({ "Value": value })).collect::<Vec<_>>();
    put("ResourceRecords", (!values.is_empty()).then(|| json!(values)));
    json
}

/// A server that gives every request the same answer, and its address.
pub(crate) fn canned(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let head = BufReader::new(&stream).lines();
            // The requests of these tests have no body.
            head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let length = body.len();
            let reply =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            drop(stream.write_all(reply.as_bytes()));
        }
    });
    url
}
