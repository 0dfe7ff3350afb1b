//! The copy of the workspace that mutants are applied to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::registry::Mutant;
use crate::run::{Failed, root};

/// The copy.
pub(crate) struct Tree {
    root: PathBuf,
}

/// A mutant in the copy, to be undone.
#[must_use]
pub(crate) struct Applied {
    path: PathBuf,
    original: String,
}

impl Tree {
    /// Copies what git knows or would add. A file that is the same already keeps its time, so that nothing of it is built again.
    pub(crate) fn copy() -> Result<Self, Failed> {
        let copy = root().join("target/mutants/tree");
        let files = listed()?;
        for file in &files {
            let (from, to) = (root().join(file), copy.join(file));
            let wanted = fs::read(&from).map_err(|error| failed(&from, &error))?;
            if fs::read(&to).ok().as_ref() == Some(&wanted) {
                continue;
            }
            let parent = to.parent().unwrap_or(&copy);
            fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
            fs::write(&to, wanted).map_err(|error| failed(&to, &error))?;
        }
        remove_others(&copy, &files.iter().map(|file| copy.join(file)).collect())?;
        Ok(Self { root: copy })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where it is built.
    pub(crate) fn build_dir(&self) -> PathBuf {
        self.root.with_file_name("build")
    }

    /// Removes or weakens the check.
    pub(crate) fn apply(&self, mutant: &Mutant) -> Result<Applied, Failed> {
        let path = self.root.join(&mutant.file);
        let original = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
        let count = original.matches(&mutant.find).count();
        if count != 1 {
            let Mutant { name, file, .. } = mutant;
            return Err(Failed(format!(
                "mutant `{name}`: its text occurs {count} times in {file}, not once"
            )));
        }
        let mutated = original.replacen(&mutant.find, &mutant.replace, 1);
        fs::write(&path, mutated).map_err(|error| failed(&path, &error))?;
        Ok(Applied { path, original })
    }
}

impl Applied {
    /// Puts the file back.
    pub(crate) fn undo(self) -> Result<(), Failed> {
        fs::write(&self.path, self.original).map_err(|error| failed(&self.path, &error))
    }
}

fn listed() -> Result<Vec<String>, Failed> {
    let git = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(git).current_dir(root()).output();
    let output = output.map_err(|error| Failed(format!("`git ls-files` did not start: {error}")))?;
    if !output.status.success() {
        return Err(Failed(format!("`git ls-files`: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    // A file that is deleted but still in the index is listed as well.
    let is_there = |name: &&str| root().join(name).is_file();
    Ok(names.split_terminator('\0').filter(is_there).map(str::to_owned).collect())
}

/// What an earlier run left behind: files deleted since, and what failing tests wrote.
fn remove_others(dir: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), Failed> {
    for entry in fs::read_dir(dir).map_err(|error| failed(dir, &error))? {
        let path = entry.map_err(|error| failed(dir, &error))?.path();
        if path.is_dir() {
            remove_others(&path, keep)?;
        } else if !keep.contains(&path) {
            fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}
