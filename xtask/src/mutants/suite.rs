//! The judging tests: built by cargo, run by hand, so that one that hangs can be ended.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::tree::Tree;
use super::verdict::{Ran, read};
use crate::run::{Failed, cargo};

/// A suite that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// One test target of one package.
pub(crate) struct Suite {
    /// How cargo is told of it.
    kind: &'static str,
    package: String,
    target: String,
    /// Parts of the names of those tests in it that judge; all where there is none.
    only: &'static [&'static str],
}

/// A test that cargo built.
#[derive(Debug)]
pub(crate) struct Built {
    target: String,
    package_dir: PathBuf,
    executable: PathBuf,
}

/// A line of `cargo test --message-format=json`.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The suites of a package, in the order in which they judge. Of what explores, those that say that an invariant broke, and in how few
/// steps; the other tests are about the explorer itself.
pub(crate) fn of(tree: &Tree, package: &str) -> Result<Vec<Suite>, Failed> {
    let of_kind = |kind, target: &str, only| Suite {
        kind,
        package: package.to_owned(),
        target: target.to_owned(),
        only,
    };
    let suite = |target: &str, only| of_kind("--test", target, only);
    if package == "dnsplan-sim" {
        let random: &[&str] = &["faults_hold", "newest_plan"];
        return Ok(vec![suite("explore", &["holds::quick_"]), suite("random", random)]);
    }
    if package == "dnsplan-cli" {
        // What has a rule of its own there is tested beside it; the rest is about processes, and takes minutes.
        return Ok(vec![of_kind("--bin", "dnsplan", &["seat::"])]);
    }
    if package == "dnsplan-leadership" {
        return Ok(vec![suite("explore", &["_hold_and_complete"]), suite("rules", &[])]);
    }
    let dir = tree.root().join("crates").join(package).join("tests");
    let listed = fs::read_dir(&dir).map_err(|error| Failed(format!("{}: {error}", dir.display())))?;
    let paths: BTreeSet<PathBuf> = listed.filter_map(Result::ok).map(|entry| entry.path()).collect();
    let is_target =
        |path: &&PathBuf| path.extension().is_some_and(|is| is == "rs") || path.join("main.rs").is_file();
    let names = paths.iter().filter(is_target).filter_map(|path| path.file_stem()?.to_str());
    Ok(names.map(|name| suite(name, &[])).collect())
}

/// Builds the suites; or what the compiler says, where a mutant is none.
///
/// `packages` is always the same, and so are the features: nothing is built twice.
pub(crate) fn build(
    tree: &Tree,
    packages: &BTreeSet<&str>,
    suites: &[Suite],
) -> Result<Result<Vec<Built>, String>, Failed> {
    let mut command = cargo(&["test", "--no-run", "--quiet", "--all-features", "--message-format=json"]);
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    command.args(suites.iter().flat_map(|suite| [suite.kind, &suite.target]));
    // No debug information: it is what takes longest to link.
    command.env("CARGO_TARGET_DIR", tree.build_dir()).env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = command.current_dir(tree.root()).output();
    let output = output.map_err(|error| Failed(format!("`cargo test --no-run` did not start: {error}")))?;
    if !output.status.success() {
        return Ok(Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    Ok(Ok(messages.filter_map(built).collect()))
}

fn built(message: Message) -> Option<Built> {
    let package_dir = message.manifest_path?.parent()?.to_owned();
    Some(Built { target: message.target?.name, package_dir, executable: message.executable? })
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package.trim_start_matches("dnsplan-"), self.target)
    }
}

impl Suite {
    /// Whether it is known to have tests; under other flags only, some have none.
    pub(crate) const fn must_run(&self) -> bool {
        !self.only.is_empty()
    }

    /// Runs it to its end, or ends it.
    pub(crate) fn run(&self, tests: &[Built]) -> Result<Ran, Failed> {
        let is_it = |test: &&Built| test.target == self.target && test.package_dir.ends_with(&self.package);
        let test = tests.iter().find(is_it).ok_or_else(|| Failed(format!("cargo built no {self}")))?;
        let output = test.executable.with_extension("mutant");
        let wrong = |error: std::io::Error| Failed(format!("{self} did not run: {error}"));
        let file = File::create(&output).map_err(wrong)?;
        let mut command = Command::new(&test.executable);
        command.args(self.only).current_dir(&test.package_dir).env("CARGO_MANIFEST_DIR", &test.package_dir);
        command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        command.stderr(file.try_clone().map_err(wrong)?).stdout(file);
        let status = finish(&mut command.spawn().map_err(wrong)?).map_err(wrong)?;
        let said = said(&output).map_err(wrong)?;
        Ok(read(&said, status.is_some_and(|status| status.success()), status.is_none()))
    }
}

/// Waits for a program, and ends it where it takes too long.
fn finish(child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn said(output: &Path) -> std::io::Result<String> {
    let said = fs::read(output)?;
    fs::remove_file(output)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}
