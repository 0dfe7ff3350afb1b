//! A leader that is stopped for longer than its lease, wakes up, and writes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use dnsplan_etcd::{EtcdResource, Presence, Write};
use dnsplan_leadership::{Leadership, NotSent, WriteId, Written};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::bed::{Etcd, connect, place};
use crate::role::{fail_over, lead, leader, life};

const SCOPE: &str = "asleep";
const URL: &str = "DNSPLAN_TEST_ETCD";
const DEADLINE: Duration = Duration::from_secs(60);

/// Not a test by itself: the leader's process, told what to do line by line. It asks etcd whether its lease is there before each
/// write, as lease-based leaders do; `plain` writes without the fence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leaders_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let place = place(&url, SCOPE).await;
    let mut presence = Presence::announce(&place, &life("a", 1), 2).await.unwrap();
    let leader = leader(&place, SCOPE, life("a", 1)).await;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    println!("\nsays ready");
    let mut id = 0;
    while let Some(line) = lines.next_line().await.unwrap() {
        id += 1;
        let key = format!("/data/{line}");
        let said = match line.split('-').next() {
            Some("renew") => format!("renewed {}", presence.renew().await.unwrap()),
            Some("plain") => {
                connect(&url).await.put(key, "", None).await.unwrap();
                "written".to_owned()
            }
            _ => outcome(&leader, id, key).await,
        };
        println!("says {said}");
    }
}

async fn outcome(leader: &Leadership<EtcdResource>, id: u128, key: String) -> String {
    match leader.write(WriteId::new(id), Write::new().put(key, "")).await {
        Ok(Written::Applied(_)) => "written".to_owned(),
        Ok(Written::Fenced(below)) => format!("fenced: {below}"),
        Err(NotSent::Stopped(_)) => "stopped".to_owned(),
        other => format!("{other:?}"),
    }
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(etcd: &Etcd) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "asleep::the_leaders_process", "--nocapture", "--quiet"]);
        command.env(URL, &etcd.url).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut process = Self { child, stdin, stdout: BufReader::new(stdout).lines() };
        assert_eq!(process.says().await, "ready");
        process
    }

    async fn says(&mut self) -> String {
        let said = async {
            loop {
                let line = self.stdout.next_line().await.unwrap().expect("the leader's process has ended");
                if let Some(said) = line.strip_prefix("says ") {
                    return said.to_owned();
                }
            }
        };
        tokio::time::timeout(DEADLINE, said).await.expect("the leader's process says nothing")
    }

    async fn tell(&mut self, line: &str) -> String {
        self.begin(line).await;
        self.says().await
    }

    async fn begin(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    /// Stops it, and waits until it stands still: the signal is only on its way when `kill` returns.
    async fn stop(&self) {
        self.signal("-STOP").await;
        let pid = self.child.id().unwrap().to_string();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let state = Command::new("ps").args(["-o", "state=", "-p", &pid]).output().await.unwrap().stdout;
            if state.starts_with(b"T") {
                return;
            }
            assert!(Instant::now() < deadline, "it does not stop");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_a_leader_that_slept_past_its_lease_is_refused_and_stops_for_good() {
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    lead(&place, life("a", 1)).await;
    let mut process = Process::start(&etcd).await;
    assert_eq!(process.tell("renew").await, "renewed true");
    assert_eq!(process.tell("first").await, "written");
    process.stop().await;
    // What it is to do next is in its pipe already: it has decided to write before it stopped, as it were.
    process.begin("late").await;
    let deadline = Instant::now() + DEADLINE;
    while Presence::is_there(&place, &life("a", 1)).await.unwrap() {
        assert!(Instant::now() < deadline, "the lease does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fail_over(&place, life("b", 1)).await;
    let next = leader(&place, SCOPE, life("b", 1)).await;
    let (id, write) = (WriteId::new(1 << 64), Write::new().put("/data/next", ""));
    assert!(matches!(next.write(id, write).await, Ok(Written::Applied(_))));
    process.signal("-CONT").await;
    let said = process.says().await;
    assert!(said.starts_with("fenced: epoch 1 is over"), "{said}");
    assert_eq!(process.tell("later").await, "stopped");
    assert_eq!(process.tell("renew").await, "renewed false");
    // The control: the same process, the same moment, without the fence.
    assert_eq!(process.tell("plain").await, "written");
    let mut client = etcd.client().await;
    let mut is_there =
        async |key: &str| !client.get(format!("/data/{key}"), None).await.unwrap().kvs().is_empty();
    for (key, expected) in
        [("first", true), ("late", false), ("later", false), ("plain", true), ("next", true)]
    {
        assert_eq!(is_there(key).await, expected, "{key}");
    }
}
