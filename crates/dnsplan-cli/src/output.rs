//! What is printed. Whoever reads it may have gone away, and a disk may be full: the command goes on, says so on standard error, and its
//! exit code says so at the end. The standard macros would panic in the midst of it.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Something was not written.
static IS_CUT_SHORT: AtomicBool = AtomicBool::new(false);

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
    if code == Code::Done && IS_CUT_SHORT.load(Ordering::Relaxed) { Code::Error } else { code }
}

/// What became of writing to standard output. That a reader has seen enough (`| head`) is no trouble; other trouble is told once.
pub(crate) fn note(written: io::Result<()>) {
    if let Err(trouble) = written
        && trouble.kind() != ErrorKind::BrokenPipe
        && !IS_CUT_SHORT.swap(true, Ordering::Relaxed)
    {
        errln!("error: cannot write to standard output: {trouble}; going on without it");
    }
}
