//! Reading the workspace: the only part of the tidy test that touches disk and processes.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// A workspace member and what its manifest declares.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the workspace root, with `/`.
    pub(crate) dir: String,
    pub(crate) dependencies: Vec<Dependency>,
}

impl Package {
    /// The product's own crates, as opposed to examples, tests, benches and automation.
    pub(crate) fn is_product(&self) -> bool {
        self.dir.starts_with("crates/")
    }
}

/// A declared dependency.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// For tests, benches and examples only.
    pub(crate) dev: bool,
    /// The `cfg(..)` or target under which it is declared.
    pub(crate) target: Option<String>,
}

/// What `cargo metadata` says.
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

impl Workspace {
    pub(crate) fn load() -> Self {
        let metadata = MetadataCommand::new()
            .current_dir(root())
            .no_deps()
            .exec()
            .expect("cargo metadata reads the workspace");
        let package = |package: &cargo_metadata::Package| {
            let dir = package.manifest_path.parent().expect("a manifest lies in a directory");
            let dir = dir.strip_prefix(&metadata.workspace_root).expect("members lie inside the workspace");
            let dependencies = package.dependencies.iter().map(|dependency| Dependency {
                name: dependency.name.clone(),
                dev: dependency.kind == DependencyKind::Development,
                target: dependency.target.as_ref().map(ToString::to_string),
            });
            Package {
                name: package.name.to_string(),
                dir: dir.to_string(),
                dependencies: dependencies.collect(),
            }
        };
        Self { packages: metadata.workspace_packages().into_iter().map(package).collect() }
    }
}

/// A tracked (or not yet added, but not ignored) text file.
pub(crate) struct File {
    /// Relative to the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Tests have their own limit of length and may `unwrap`: what lies under a directory `tests`, or is a file `tests.rs`.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }
}

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the tests package lies in the workspace root")
}

/// All files that git knows or would add; binary ones are left out.
pub(crate) fn files() -> Vec<File> {
    // CI often checks out as another user than the one that tests.
    let git = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = output(Command::new("git").args(git));
    let file = |path: &str| {
        // Gone from disk but still in the index, or not text.
        let text = std::fs::read_to_string(root().join(path)).ok()?;
        Some(File { path: path.to_owned(), text })
    };
    let files: Vec<File> = listed.split_terminator('\0').filter_map(file).collect();
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "git lists no files of this workspace");
    files
}

/// What a crate depends on when it is built by itself with all its features, one line a package, its depth first.
///
/// `cargo tree` and not the resolve graph of `cargo metadata`: there, features are unified over the whole workspace, and a
/// runtime that another crate turns on in a shared dependency would show here.
pub(crate) fn tree(package: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let args = ["tree", "--edges", "normal", "--all-features", "--prefix", "depth", "--no-dedupe"];
    output(Command::new(cargo).args(args).args(["--format", " {p}", "--package", package]))
}

/// A file of the workspace that has to be there.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// A file of the workspace that may be absent.
pub(crate) fn read_if_there(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("file and package names are UTF-8")
}
