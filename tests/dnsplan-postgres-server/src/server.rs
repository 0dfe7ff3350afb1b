//! Servers.

use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use deadpool_postgres::{Manager, Pool};
use dnsplan_name_servers::process::{Guard, run};
use dnsplan_name_servers::{StartError, ports};
use tempfile::TempDir;
use tokio_postgres::{Config, NoTls};

/// The Debian package.
pub(crate) const PACKAGE: &str = "postgresql";

/// Where Debian has the servers, by version. What is on the path may be anything.
const INSTALLED: &str = "/usr/lib/postgresql";

/// How often a server is started anew on another port, where somebody took the one before.
const STARTS: u32 = 5;

/// A server on loopback that lets everybody on this machine in as `postgres`. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    guard: Guard,
    address: SocketAddr,
    user: User,
    programs: PathBuf,
    directory: TempDir,
}

/// Who the server runs as: it refuses to be root.
#[derive(Clone, Debug)]
pub(crate) struct User(Option<(u32, u32)>);

impl Server {
    /// Starts a server with `settings` of its own, such as `fsync=off`.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn start(settings: &[&str]) -> Result<Self, StartError> {
        let (user, programs) = (User::find()?, programs()?);
        let directory = user.directory()?;
        init(&user, &programs, directory.path())?;
        Self::serve(user, programs, directory, settings)
    }

    /// Starts a physical replica of this server, which follows it. Its limits have to be no lower than this one's.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn start_replica(&self, settings: &[&str]) -> Result<Self, StartError> {
        let directory = self.user.directory()?;
        copy(&self.user, &self.programs, directory.path(), self.address)?;
        Self::serve(self.user.clone(), self.programs.clone(), directory, settings)
    }

    fn serve(
        user: User,
        programs: PathBuf,
        directory: TempDir,
        settings: &[&str],
    ) -> Result<Self, StartError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let address = ports::free_address()?;
            match serve(&user, &programs, directory.path(), &directory.path().join("log"), address, settings)
            {
                Err(StartError::Failed { said, .. }) if tries < STARTS && said.contains("in use") => {}
                Err(error) => return Err(error),
                Ok(guard) => return Ok(Self { guard, address, user, programs, directory }),
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How to connect to a database of it, or of a proxy before it.
    #[must_use]
    pub fn config(at: SocketAddr, database: &str) -> Config {
        let mut config = Config::new();
        config.host(at.ip().to_string()).port(at.port()).user("postgres").dbname(database);
        config
    }

    /// A pool of so many connections. They are made when they are needed.
    ///
    /// # Panics
    /// Where a pool of that size cannot be.
    #[must_use]
    pub fn pool(config: Config, size: usize) -> Pool {
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(size).build();
        pool.expect("invariant: no timeout is set that would need a runtime")
    }

    /// Everything that it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.guard.log()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed, it would leave its processes and its shared memory behind.
        let data = self.directory.path().join("data");
        let stop = vec![self.programs.join("pg_ctl").into_os_string(), "stop".into()];
        let rest = ["--mode=immediate".into(), "--silent".into(), "--pgdata".into(), data.into_os_string()];
        let (program, arguments) = self.user.command(stop.into_iter().chain(rest).collect());
        drop(Command::new(program).args(arguments).output());
    }
}

impl User {
    /// Whoever runs the test, or `postgres` where that is root.
    pub(crate) fn find() -> Result<Self, StartError> {
        let id = |arguments: &[&str]| -> Result<Option<u32>, StartError> {
            let output = Command::new("id").args(arguments).output()?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
        };
        if id(&["-u"])? != Some(0) {
            return Ok(Self(None));
        }
        let missing = || StartError::Missing { program: "the user postgres".to_owned(), package: PACKAGE };
        let both = id(&["-u", "postgres"])?.zip(id(&["-g", "postgres"])?);
        both.ok_or_else(missing).map(|both| Self(Some(both)))
    }

    /// A directory of this user's own.
    pub(crate) fn directory(&self) -> Result<TempDir, StartError> {
        let directory = tempfile::Builder::new().prefix("dnsplan-").tempdir()?;
        if let Self(Some((uid, gid))) = *self {
            chown(directory.path(), Some(uid), Some(gid))?;
        }
        Ok(directory)
    }

    /// A command and its arguments, run as this user: `setpriv` becomes the program, so that what is killed is the server.
    pub(crate) fn command(&self, words: Vec<OsString>) -> (String, Vec<OsString>) {
        let mut all: Vec<OsString> = match self.0 {
            Some((uid, gid)) => {
                let ids = [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
                std::iter::once("setpriv".into()).chain(ids.map(OsString::from)).chain(words).collect()
            }
            None => words,
        };
        (all.remove(0).to_string_lossy().into_owned(), all)
    }
}

/// The directory of the newest version's programs, or of those on the path where Debian's are not there.
pub(crate) fn programs() -> Result<PathBuf, StartError> {
    let versions = std::fs::read_dir(INSTALLED).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_there = |path: &PathBuf| path.join("bin/postgres").is_file() && path.join("bin/initdb").is_file();
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.filter(is_there).max_by_key(number);
    let missing = StartError::Missing { program: "postgres".to_owned(), package: PACKAGE };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_both = |path: &PathBuf| path.join("postgres").is_file() && path.join("initdb").is_file();
    newest.map(|path| path.join("bin")).or_else(|| std::env::split_paths(&path).find(has_both)).ok_or(missing)
}

/// Makes a new cluster in `directory`.
pub(crate) fn init(user: &User, programs: &Path, directory: &Path) -> Result<(), StartError> {
    let mut words =
        vec![programs.join("initdb").into_os_string(), "--pgdata".into(), directory.join("data").into()];
    words.extend(["--no-sync", "--auth=trust", "--username=postgres"].map(OsString::from));
    words.extend(["--encoding=UTF8", "--locale=C"].map(OsString::from));
    let (program, arguments) = user.command(words);
    run(&program, PACKAGE, arguments, File::open("/dev/null")?)
}

/// Copies the server at `from` into `directory`, as a replica of it.
pub(crate) fn copy(
    user: &User,
    programs: &Path,
    directory: &Path,
    from: SocketAddr,
) -> Result<(), StartError> {
    let (host, port) = (from.ip().to_string(), from.port().to_string());
    let mut words = vec![
        programs.join("pg_basebackup").into_os_string(),
        "--pgdata".into(),
        directory.join("data").into(),
    ];
    words.extend(["--host", &host, "--port", &port, "--username", "postgres"].map(OsString::from));
    words.extend(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"].map(OsString::from));
    let (program, arguments) = user.command(words);
    run(&program, PACKAGE, arguments, File::open("/dev/null")?)
}

/// Starts a server on what is in `directory`, and waits until it takes connections.
pub(crate) fn serve(
    user: &User,
    programs: &Path,
    directory: &Path,
    log: &Path,
    address: SocketAddr,
    settings: &[&str],
) -> Result<Guard, StartError> {
    let mut words =
        vec![programs.join("postgres").into_os_string(), "-D".into(), directory.join("data").into()];
    let port = format!("port={}", address.port());
    let listen = format!("listen_addresses={}", address.ip());
    let fixed = [port.as_str(), listen.as_str(), "unix_socket_directories="];
    words.extend(fixed.iter().chain(settings).flat_map(|setting| ["-c".into(), (*setting).into()]));
    let (program, arguments) = user.command(words);
    let mut guard = Guard::start(&program, PACKAGE, arguments, log)?;
    // The last line of a start. Until then it accepts connections, and refuses them.
    let is_ready = || {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        said.contains("ready to accept") && TcpStream::connect(address).is_ok()
    };
    guard.until("it was ready", is_ready)?;
    Ok(guard)
}
