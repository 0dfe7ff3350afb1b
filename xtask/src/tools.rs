//! The programs that the tests need besides Rust, and how to get them on a bare Debian machine.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use crate::run::{Failed, root, run, target_dir};

/// A program that must be there, and the package that brings it.
struct Need {
    command: &'static str,
    /// Tried in this order: the name of a package differs between releases.
    packages: &'static [&'static str],
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need { command: "cc", packages: &["gcc"], why: "builds the bundled SQLite" },
    Need { command: "chromium", packages: &["chromium"], why: "opens the simulator's report" },
    Need {
        command: "dig",
        packages: &["bind9-dnsutils", "dnsutils"],
        why: "asks the server as a client would",
    },
    Need { command: "etcd", packages: &["etcd-server", "etcd"], why: "holds a writer role" },
    Need {
        command: "initdb",
        packages: &["postgresql"],
        why: "a database server, whose writer role is handed over",
    },
    Need { command: "knotd", packages: &["knot"], why: "a name server, updated and transferred to" },
    Need { command: "named", packages: &["bind9"], why: "a name server, updated and transferred to" },
    Need { command: "nsd", packages: &["nsd"], why: "a name server, transferred to" },
    Need { command: "pdns_server", packages: &["pdns-server"], why: "a name server, updated" },
    Need {
        command: "protoc",
        packages: &["protobuf-compiler"],
        why: "builds the client of etcd, with the types of libprotobuf-dev",
    },
    Need { command: "git", packages: &["git"], why: "lists the files that the tidy test reads" },
    Need { command: "python3", packages: &["python3"], why: "runs the other fakes of Route 53" },
];

/// What those need, exactly.
const PYTHON: &str = "tests/dnsplan-route53-fake/tests/differential/requirements.txt";

/// Installs what is missing. When all is there, nothing is run at all.
pub(crate) fn ensure() -> Result<(), Failed> {
    programs()?;
    python()
}

/// The virtual environment `target/python`, as [`PYTHON`] says. What was installed is noted there.
fn python() -> Result<(), Failed> {
    let (wanted, home) = (root().join(PYTHON), target_dir().join("python"));
    let note = home.join("requirements.txt");
    let read = |path: &std::path::Path| std::fs::read_to_string(path).ok();
    if read(&wanted).is_some() && read(&wanted) == read(&note) {
        return Ok(());
    }
    eprintln!("== tools: {PYTHON} into {}", home.display());
    if make_environment(&home).is_err() {
        // Debian has the module that makes environments in a package of its own.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let prefix = privileges(&path).ok_or_else(|| {
            Failed("`python3 -m venv` does not work: run `apt-get install python3-venv` as root".to_owned())
        })?;
        run(&mut apt(prefix, &["update"]))?;
        run(&mut apt(prefix, &["install", "--yes", "python3-venv"]))?;
        make_environment(&home)?;
    }
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
    run(&mut pip)?;
    std::fs::copy(&wanted, &note).map_err(|error| Failed(format!("{}: {error}", note.display())))?;
    Ok(())
}

fn make_environment(home: &std::path::Path) -> Result<(), Failed> {
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home))
}

fn programs() -> Result<(), Failed> {
    let path = servers_too(&std::env::var_os("PATH").unwrap_or_default());
    let missing = missing(NEEDS, &path);
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("== tools: missing {}", names(&missing));
    let prefix = privileges(&path).ok_or_else(|| by_hand(&missing))?;
    // The lists of a fresh image are empty. When they cannot be had, those that are there may still do.
    if let Err(error) = run(&mut apt(prefix, &["update"])) {
        eprintln!("xtask: {error}; going on with the package lists that are there");
    }
    for need in &missing {
        let install = |package: &&str| run(&mut apt(prefix, &["install", "--yes", package])).is_ok();
        // Where it is now may not have been there before.
        if !need.packages.iter().any(install) || !present(need.command, &servers_too(&path)) {
            return Err(by_hand(std::slice::from_ref(need)));
        }
    }
    Ok(())
}

fn missing<'a>(needs: &'a [Need], path: &OsStr) -> Vec<&'a Need> {
    needs.iter().filter(|need| !present(need.command, path)).collect()
}

fn present(command: &str, path: &OsStr) -> bool {
    std::env::split_paths(path).any(|dir| dir.join(command).is_file())
}

/// Debian has servers where only root's path leads, and those of PostgreSQL in a directory for each version.
fn servers_too(path: &OsStr) -> OsString {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let dirs = std::env::split_paths(path).chain(["/usr/sbin".into(), "/sbin".into()]).chain(versions);
    std::env::join_paths(dirs).unwrap_or_else(|_| path.to_owned())
}

/// What to put before `apt-get`: nothing for root, `sudo` where it asks for no password. `None`: no way to install.
fn privileges(path: &OsStr) -> Option<&'static [&'static str]> {
    if !present("apt-get", path) {
        return None;
    }
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str], args: &[&str]) -> Command {
    // Under run level 1 nothing that is installed is started.
    let quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "--quiet"];
    let mut words = prefix.iter().chain(&quiet);
    let mut command = Command::new(words.next().expect("invariant: the list of words is not empty"));
    // Recommended packages are wanted: gcc gets the C library's headers that way.
    command.args(words).arg("--option=APT::Install-Recommends=true").args(args).stdin(Stdio::null());
    command
}

fn by_hand(missing: &[&Need]) -> Failed {
    let lines = missing.iter().map(|need| {
        let package = need.packages[0];
        format!("\n  `{}` ({}): run `apt-get install {package}` as root", need.command, need.why)
    });
    Failed(format!(
        "these programs are missing and cannot be installed from here:{}",
        lines.collect::<String>()
    ))
}

fn names(missing: &[&Need]) -> String {
    missing.iter().map(|need| need.command).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &[Need] =
        &[Need { command: "no-such-program", packages: &["its-package"], why: "is needed" }];

    #[test]
    fn a_program_that_is_nowhere_on_the_path_is_missing() {
        assert_eq!(missing(SOME, OsStr::new("/usr/bin:/bin")).len(), 1);
    }

    #[test]
    fn a_program_on_the_path_is_present() {
        let cargo = std::path::Path::new(env!("CARGO"));
        let dir = cargo.parent().unwrap().as_os_str();
        assert!(present(cargo.file_name().unwrap().to_str().unwrap(), dir));
    }

    #[test]
    fn the_error_names_the_program_its_package_and_the_command() {
        let Failed(text) = by_hand(&[&SOME[0]]);
        assert!(text.contains("`no-such-program` (is needed): run `apt-get install its-package` as root"));
    }
}
