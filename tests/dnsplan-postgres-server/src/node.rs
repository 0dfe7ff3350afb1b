//! A server that may die, hang, come back, and become the replica of another: what a pair is made of.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use dnsplan_name_servers::StartError;
use dnsplan_name_servers::process::{Guard, run};
use tempfile::TempDir;

use crate::server::{PACKAGE, User, copy, init, programs, serve};

/// How often a killed server is started again while its last processes are still there.
const STARTS: u32 = 200;

/// What `pg_rewind` asks for, and what a test of processes can do without.
const SETTINGS: [&str; 6] = [
    "wal_log_hints=on",
    "fsync=off",
    "max_connections=100",
    "max_prepared_transactions=5",
    "wal_keep_size=256MB",
    "wal_receiver_timeout=3s",
];

/// A server at an address of its own, which it keeps. It ends when this is dropped.
#[derive(Debug)]
pub struct Node {
    guard: Option<Guard>,
    address: SocketAddr,
    user: User,
    programs: PathBuf,
    directory: TempDir,
    /// How often it was started.
    lives: u32,
}

impl Node {
    /// Starts a new cluster at an address.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn primary(address: SocketAddr) -> Result<Self, StartError> {
        let node = Self::at(address)?;
        init(&node.user, &node.programs, node.directory.path())?;
        let mut rules = OpenOptions::new().append(true).open(node.data().join("pg_hba.conf"))?;
        writeln!(rules, "host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust")?;
        node.started()
    }

    /// Starts a replica of another one.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn replica(address: SocketAddr, of: SocketAddr) -> Result<Self, StartError> {
        let node = Self::at(address)?;
        copy(&node.user, &node.programs, node.directory.path(), of)?;
        node.started()
    }

    /// Loopback addresses for so many nodes, which share a port, as the addresses of a name do.
    ///
    /// # Errors
    /// The machine's, where no port is free.
    pub fn addresses(count: u8) -> std::io::Result<Vec<SocketAddr>> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        for _ in 0..STARTS {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let one = |last: u8| SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, last), port));
            let all: Vec<SocketAddr> = (1..=count).map(one).collect();
            match all.iter().try_for_each(|address| TcpListener::bind(address).map(drop)) {
                Ok(()) => return Ok(all),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn at(address: SocketAddr) -> Result<Self, StartError> {
        let (user, programs) = (User::find()?, programs()?);
        let directory = user.directory()?;
        Ok(Self { guard: None, address, user, programs, directory, lives: 0 })
    }

    fn started(mut self) -> Result<Self, StartError> {
        self.start()?;
        Ok(self)
    }

    /// Where it listens, whenever it is there.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it was started, and not killed since.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.guard.is_some()
    }

    /// Starts it on what it has, if it is not there.
    ///
    /// # Errors
    /// [`StartError`] with what the server said.
    pub fn start(&mut self) -> Result<(), StartError> {
        if self.guard.is_some() {
            return Ok(());
        }
        let mut tries = 0;
        loop {
            tries += 1;
            // What is left of the last life writes on into its own.
            self.lives += 1;
            match serve(
                &self.user,
                &self.programs,
                self.directory.path(),
                &self.log_file(),
                self.address,
                &SETTINGS,
            ) {
                // Killed with SIGKILL, a server leaves processes that are about to notice.
                Err(StartError::Failed { said, .. }) if tries < STARTS && said.contains("in use") => {}
                Err(error) => return Err(error),
                Ok(guard) => {
                    self.guard = Some(guard);
                    return Ok(());
                }
            }
        }
    }

    /// Kills it with SIGKILL: the server, and so all of its processes.
    pub fn kill(&mut self) {
        self.signal("-CONT");
        drop(self.guard.take());
    }

    /// Stops all of its processes where they are (SIGSTOP).
    pub fn stop(&self) {
        self.signal("-STOP");
    }

    /// Has them go on (SIGCONT).
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// A copy of its data, as of a snapshot of the disk: it is shut down for that, and started again.
    ///
    /// # Errors
    /// [`StartError`] with what the server or the program said.
    pub fn saved(&mut self) -> Result<PathBuf, StartError> {
        let copy = self.directory.path().join("saved");
        self.control(&["stop", "--mode=fast", "--silent"])?;
        drop(self.guard.take());
        copy_tree(&self.data(), &copy)?;
        self.start()?;
        Ok(copy)
    }

    /// Puts a copy in the place of its data: it is shut down for that, and started again.
    ///
    /// # Errors
    /// [`StartError`] with what the server or the program said.
    pub fn restore(&mut self, copy: &Path) -> Result<(), StartError> {
        self.control(&["stop", "--mode=fast", "--silent"])?;
        drop(self.guard.take());
        fs::remove_dir_all(self.data())?;
        copy_tree(copy, &self.data())?;
        self.start()
    }

    /// Shuts a replica down, and starts it as a primary on the timeline that it has: what no promotion does.
    ///
    /// # Errors
    /// [`StartError`] with what the server or the program said.
    pub fn forget_its_primary(&mut self) -> Result<(), StartError> {
        self.control(&["stop", "--mode=fast", "--silent"])?;
        drop(self.guard.take());
        fs::remove_file(self.data().join("standby.signal"))?;
        self.start()
    }

    /// Shuts it down, makes it a replica of `of` with `pg_rewind`, and starts it.
    ///
    /// # Errors
    /// [`StartError`] with what the server or the program said.
    pub fn follow(&mut self, of: SocketAddr) -> Result<(), StartError> {
        if self.guard.is_some() {
            self.control(&["stop", "--mode=fast", "--silent"])?;
            drop(self.guard.take());
        }
        let (host, port) = (of.ip(), of.port());
        let source = format!("host={host} port={port} user=postgres dbname=postgres");
        let mut words = vec![self.programs.join("pg_rewind").into_os_string()];
        words.extend(["--target-pgdata".into(), self.data().into_os_string()]);
        words.extend(["--source-server".into(), source.into()]);
        words.extend(["--write-recovery-conf", "--no-sync"].map(OsString::from));
        let (program, arguments) = self.user.command(words);
        run(&program, PACKAGE, arguments, File::open("/dev/null")?)?;
        self.start()
    }

    /// Everything that it has said since it was started last.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join(format!("log-{}", self.lives))
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn control(&self, words: &[&str]) -> Result<(), StartError> {
        let mut all = vec![self.programs.join("pg_ctl").into_os_string()];
        all.extend(words.iter().map(OsString::from));
        all.extend(["--pgdata".into(), self.data().into_os_string()]);
        let (program, arguments) = self.user.command(all);
        run(&program, PACKAGE, arguments, File::open("/dev/null")?)
    }

    /// Every process of it gets the signal; each of them is a group of its own.
    fn signal(&self, signal: &str) {
        let Some(guard) = &self.guard else { return };
        let mut all = vec![guard.id()];
        all.extend(children(guard.id()));
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        // One that has ended in between is nothing to signal.
        drop(Command::new("sh").args(["-c", &format!("kill {signal} {}", all.join(" "))]).output());
    }
}

/// Copies a directory with its owners and modes.
fn copy_tree(from: &Path, to: &Path) -> Result<(), StartError> {
    let words = ["--archive".into(), from.to_owned().into_os_string(), to.to_owned().into_os_string()];
    run("cp", "coreutils", words, File::open("/dev/null")?)
}

/// The processes that a process has started.
fn children(of: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: fs::DirEntry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in brackets, may have blanks; then the state, and who has started it.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        let id = entry.file_name().to_str()?.parse().ok()?;
        (parent.parse() == Ok(of)).then_some(id)
    };
    processes.filter_map(child).collect()
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.guard.is_some() {
            self.signal("-CONT");
            drop(self.control(&["stop", "--mode=immediate", "--silent"]));
        }
    }
}
