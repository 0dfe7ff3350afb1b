//! Other fakes of Route 53, which are Python programs: found, started on a loopback port, and ended.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is needed of the Python package index, and how to get it.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// A program that runs until this is dropped.
pub(crate) struct Program {
    child: Child,
    endpoint: String,
    log: PathBuf,
    /// Where the program may leave its files.
    _directory: tempfile::TempDir,
}

impl Program {
    /// `ministack`, with nothing but Route 53.
    pub(crate) fn ministack() -> Self {
        Self::start("ministack", |command, port| {
            let port = port.to_string();
            command.args(["-m", "ministack"]);
            command.envs([
                ("GATEWAY_PORT", port.as_str()),
                ("BIND_HOST", "127.0.0.1"),
                ("SERVICES", "route53"),
            ]);
            command.env("LOG_LEVEL", "ERROR");
        })
    }

    /// `moto_server`.
    pub(crate) fn moto() -> Self {
        Self::start("moto", |command, port| {
            command.args(["-m", "moto.server", "--host", "127.0.0.1", "--port", &port.to_string()]);
        })
    }

    fn start(package: &str, set_up: impl Fn(&mut Command, u16)) -> Self {
        check_installed(package);
        // Somebody else may take the port before the program does; then the program ends.
        let started = Self::start_once(&set_up).or_else(|_| Self::start_once(&set_up));
        started.unwrap_or_else(|said| panic!("{package} ended:\n{said}"))
    }

    fn start_once(set_up: impl Fn(&mut Command, u16)) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let port = free_port();
        let mut command = Command::new(python());
        set_up(&mut command, port);
        command.env("TMPDIR", directory.path()).current_dir(directory.path());
        let output = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut program = Self { child, endpoint, log, _directory: directory };
        program.wait(port)?;
        Ok(program)
    }

    /// The address for the SDK.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until it answers. What it said where it has ended.
    fn wait(&mut self, port: u16) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !answers(port) {
            if self.child.try_wait().unwrap().is_some() {
                return Err(self.said());
            }
            assert!(Instant::now() < deadline, "the program does not answer:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether it lists hosted zones yet.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        // The signature tells these programs which service is meant; nobody checks it.
        let scope = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0";
        write!(
            stream,
            "GET /2013-04-01/hostedzone HTTP/1.1\r\nhost: route53.amazonaws.com\r\nauthorization: {scope}\r\n\
             connection: close\r\n\r\n"
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    ask().is_ok_and(|answer| answer.ends_with(" 200"))
}

/// A port that is free now.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// The Python to use: of the virtual environment in `DNSPLAN_PYTHON`, or of the one in `target/python` where there is one, or
/// `python3`.
fn python() -> PathBuf {
    if let Some(environment) = std::env::var_os("DNSPLAN_PYTHON") {
        return PathBuf::from(environment).join("bin/python");
    }
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), |target| root.join(target));
    let python = target.join("python/bin/python");
    if python.exists() { python } else { PathBuf::from("python3") }
}

fn check_installed(package: &str) {
    let of_package = |line: &'static str| {
        let (name, version) = line.split_once("==")?;
        (name.split('[').next() == Some(package)).then_some(version)
    };
    let wanted = REQUIREMENTS.lines().find_map(of_package).unwrap();
    let script = format!("from importlib.metadata import version; print(version('{package}'), end='')");
    let output = Command::new(python()).args(["-c", &script]).output();
    let found = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let has = if found.is_empty() { "nothing".to_owned() } else { format!("{package} {found}") };
    assert!(
        found == wanted,
        "{} has {has} where {package} {wanted} is needed. Get it, at the root of the workspace, with\n\
         \n    python3 -m venv target/python\n    target/python/bin/python -m pip install -r \
         tests/dnsplan-route53-fake/tests/differential/requirements.txt\n\n\
         or into another virtual environment, named by DNSPLAN_PYTHON.",
        python().display()
    );
}
