//! A directory, the processes that work in it, and `dig`.

mod dig;
mod hosted;

use std::fmt::Debug;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use dig::{Reply, dig, tcp, udp};
pub(crate) use hosted::{Hosted, canned};

/// No wait is longer, on the slowest of machines.
const DEADLINE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// Looks until there is something, and says what was waited for if there never is.
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(DEADLINE, what, look)
}

/// The same, with a deadline that is itself the point of the test.
pub(crate) fn wait_within<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

/// A directory with a data directory and spec files.
pub(crate) struct Cell {
    dir: TempDir,
}

impl Cell {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Saves a file as the simplest of editors do: in place.
    pub(crate) fn save(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Saves a file as careful editors do: beside, then renamed.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let beside = self.path(&format!("{name}.new"));
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    /// The binary in this directory, with its data in `data` unless told otherwise.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnsplan"));
        command.current_dir(self.dir.path()).args(args);
        if !args.contains(&"--data") {
            command.args(["--data", "data"]);
        }
        command.env_remove("RUST_LOG").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.start(args).finish()
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        self.run(args).expect(0).out
    }

    /// Runs a command that must succeed and print JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--format", "json"]].concat()).expect(0).json()
    }

    /// Starts a process that serves until it is told to stop, and waits for its ready line.
    pub(crate) fn daemon(&self, args: &[&str]) -> Daemon {
        let mut daemon = self.start(args);
        let line = daemon.wait_out("ready: ");
        let addr = line.split("answering on ").nth(1).and_then(|rest| rest.split(' ').next());
        daemon.addr = addr.map(|addr| addr.parse().unwrap());
        daemon
    }

    /// Starts a process.
    pub(crate) fn start(&self, args: &[&str]) -> Daemon {
        Daemon::of(self.command(args), Stdio::piped())
    }

    /// `up` on `spec.toml`, ready.
    pub(crate) fn up(&self) -> Daemon {
        self.daemon(&["up", "spec.toml", "--dns", "127.0.0.1:0"])
    }

    /// `up`, ready, on a text that becomes `spec.toml`.
    pub(crate) fn up_with(&self, text: &str) -> Daemon {
        self.save("spec.toml", text);
        self.up()
    }

    /// The newest generation of the one zone.
    pub(crate) fn head(&self) -> u64 {
        number(&self.json(&["history", "--limit", "1"])["zones"][0]["plans"][0]["generation"])
    }
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Insists on the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Insists on parts of what it said on standard error.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in {self:#?}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A process that is still running. It is killed when it goes out of scope.
pub(crate) struct Daemon {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    addr: Option<SocketAddr>,
}

impl Daemon {
    pub(crate) fn of(mut command: Command, stdout: Stdio) -> Self {
        let mut child = command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Arc::default(), Arc::default());
        let mut readers = vec![follow(child.stderr.take().unwrap(), &err)];
        readers.extend(child.stdout.take().map(|stdout| follow(stdout, &out)));
        Self { child, out, err, readers, addr: None }
    }

    /// Where it answers, according to its ready line.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr.expect("a server that said that it is ready")
    }

    /// The first line on standard output that holds `part`.
    pub(crate) fn wait_out(&self, part: &str) -> String {
        self.wait_line(&self.out, part)
    }

    /// The first line on standard error that holds `part`.
    pub(crate) fn wait_err(&self, part: &str) -> String {
        self.wait_line(&self.err, part)
    }

    fn wait_line(&self, stream: &Mutex<String>, part: &str) -> String {
        let line = || stream.lock().unwrap().lines().find(|line| line.contains(part)).map(str::to_owned);
        let start = Instant::now();
        loop {
            if let Some(line) = line() {
                return line;
            }
            assert!(start.elapsed() < DEADLINE, "no {part:?} from\n{}\n{}", self.out(), self.err());
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn out(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    pub(crate) fn err(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Forgets what it said so far.
    pub(crate) fn hush(&self) {
        self.out.lock().unwrap().clear();
        self.err.lock().unwrap().clear();
    }

    #[track_caller]
    pub(crate) fn assert_alive(&mut self) {
        assert!(!self.has_ended(), "it has ended:\n{}\n{}", self.out(), self.err());
    }

    /// Whether it is there no more.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The end of it, by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait_for("the end of a process", || self.child.try_wait().unwrap())
    }

    /// The end of it, and all that it said.
    pub(crate) fn finish(mut self) -> Run {
        let code = self.end().code();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        Run { code, out: self.out(), err: self.err() }
    }

    /// `kill -9`, and the certainty that it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
        assert!(sent.success(), "no signal {name} to {pid}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn follow(stream: impl Read + Send + 'static, text: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let text = Arc::clone(text);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            text.lock().unwrap().push_str(&line);
            line.clear();
        }
    })
}
