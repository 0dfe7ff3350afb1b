//! A file that is there whole, or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What is written beside the file, and takes its place in the end.
pub(super) struct Draft {
    path: PathBuf,
    /// `None` where the path is of a device or a pipe: those are written to, not replaced.
    beside: Option<PathBuf>,
}

impl Draft {
    /// Begins the file, so that a path that cannot be written to is known at once.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        Self::try_begin(path).map_err(|error| unwritable(path, &error))
    }

    fn try_begin(path: &Path) -> io::Result<Self> {
        let is_special = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) => !metadata.is_file(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_special {
            return Ok(Self { path: path.to_owned(), beside: None });
        }
        // What a link leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        File::create_new(&beside)?;
        Ok(Self { path, beside: Some(beside) })
    }

    /// Writes it.
    pub(super) fn finish(self, text: &str) -> Result<(), Failure> {
        let written = match &self.beside {
            Some(beside) => fs::write(beside, text).and_then(|()| fs::rename(beside, &self.path)),
            None => fs::write(&self.path, text),
        };
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Gone already where all went well.
            drop(fs::remove_file(beside));
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    Failure::error(format!(
        "cannot write the report to {path}: {error}; \
         give --report a file in a directory that is there and that you may write to"
    ))
}
