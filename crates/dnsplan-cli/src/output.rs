//! What is printed. Whoever reads it may have gone away, and a disk may be full: what was asked for is done all the same, and the
//! command says at its end that something was not written. The standard macros would panic in the midst of it.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;

use crate::failure::Code;

/// Text on standard output.
macro_rules! out {
    ($($what:tt)*) => {
        $crate::output::out(format_args!($($what)*))
    };
}

/// A line of standard output.
macro_rules! outln {
    ($($what:tt)*) => {
        $crate::output::out(format_args!("{}\n", format_args!($($what)*)))
    };
}

/// A line of standard error.
macro_rules! errln {
    ($($what:tt)*) => {
        $crate::output::err(format_args!("{}\n", format_args!($($what)*)))
    };
}

/// What was wrong with standard output first.
static TROUBLE: OnceLock<io::Error> = OnceLock::new();

pub(crate) fn out(text: Arguments<'_>) {
    note(anstream::stdout().lock().write_fmt(text));
}

/// Where that fails there is nobody to tell.
pub(crate) fn err(text: Arguments<'_>) {
    drop(anstream::stderr().lock().write_fmt(text));
}

/// How the command ends, once everything is written.
pub(crate) fn finish(code: Code) -> Code {
    note(anstream::stdout().lock().flush());
    let Some(trouble) = TROUBLE.get() else { return code };
    errln!(
        "error: cannot write to standard output: {trouble}; the command did its work, but not all of its output is there"
    );
    if code == Code::Done { Code::Error } else { code }
}

/// That a reader has seen enough (`| head`) is no trouble.
fn note(written: io::Result<()>) {
    if let Err(trouble) = written
        && trouble.kind() != ErrorKind::BrokenPipe
    {
        TROUBLE.get_or_init(|| trouble);
    }
}
