//! Running programs: always from the workspace root, always with their own output on the terminal.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why automation stopped, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The workspace root: the parent of this package's own directory, wherever the command was given.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("invariant: the xtask package lies inside the workspace")
}

/// The directory that cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    let default = || root().join("target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(default, |dir| root().join(dir))
}

/// The cargo that runs this program (so that the toolchain is the same one), at the workspace root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs a program to its end; anything but success is a failure.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!("`{}` ended with {status}", shown(command)))),
        Err(error) => Err(Failed(format!("`{}` did not start: {error}", shown(command)))),
    }
}

/// A command as somebody would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or_else(|| command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
