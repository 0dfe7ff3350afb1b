//! Programs that a test starts: watched while they start, ended when they are dropped, and heard when they fail.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to be ready.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(2);

/// How much of a program's output is shown where it failed.
const SHOWN: usize = 2000;

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its program is not installed.
    #[error("{program} is not installed: `apt-get install {package}`")]
    Missing {
        /// The program.
        program: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The machine's.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It ended, or was not ready in time.
    #[error("{what}\n--- what it said:\n{said}")]
    Failed {
        /// What was waited for.
        what: String,
        /// The end of its output.
        said: String,
    },
}

/// A running program. It is killed when it is dropped.
#[derive(Debug)]
pub struct Guard {
    child: Child,
    log: PathBuf,
}

impl Guard {
    /// Starts `program` with its output in `log`.
    ///
    /// # Errors
    /// [`StartError::Missing`] names the Debian `package` where there is no such program.
    pub fn start(
        program: &str,
        package: &'static str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        log: &Path,
    ) -> Result<Self, StartError> {
        let output = File::create(log)?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| missing(error, program, package))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Waits until `is_ready`; fails where the program ends before that, or takes too long.
    ///
    /// # Errors
    /// [`StartError::Failed`] with what the program said.
    pub fn until(&mut self, what: &str, mut is_ready: impl FnMut() -> bool) -> Result<(), StartError> {
        let deadline = Instant::now() + PATIENCE;
        while !is_ready() {
            let ended = self.child.try_wait()?;
            if let Some(status) = ended {
                return Err(self.failed(format!("the server ended with {status} before {what}")));
            }
            if Instant::now() >= deadline {
                return Err(self.failed(format!("waited {} s for {what}", PATIENCE.as_secs())));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of what it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        let said = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&said[said.len().saturating_sub(SHOWN)..]).into_owned()
    }

    /// Everything that it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn failed(&self, what: String) -> StartError {
        StartError::Failed { what, said: self.said() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs a program to its end.
///
/// # Errors
/// [`StartError`] where it is missing, or fails: with what it said.
pub fn run(
    program: &str,
    package: &'static str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    input: File,
) -> Result<(), StartError> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(input)
        .output()
        .map_err(|error| missing(error, program, package))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(StartError::Failed { what: format!("{program} ended with {}", output.status), said })
}

/// Waits until a condition holds.
///
/// # Panics
/// Where it does not hold in time.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

fn missing(error: io::Error, program: &str, package: &'static str) -> StartError {
    match error.kind() {
        io::ErrorKind::NotFound => StartError::Missing { program: program.to_owned(), package },
        _ => StartError::Io(error),
    }
}
