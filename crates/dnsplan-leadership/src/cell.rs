//! A register in this process, for tests and for roles that are handed over inside one process.

use std::convert::Infallible;
use std::future::{Future, ready};

use dnsplan_fence::{Edit, Fenced, Genesis, Observed, Permit, Register, Swap};

use crate::Term;

/// A leadership record in the fence's in-process cell.
#[derive(Debug, Default)]
pub struct Cell {
    inner: Fenced<(), Term>,
}

impl Register for Cell {
    type Payload = Term;
    type Rider = ();
    type Error = Infallible;

    fn load(&self) -> impl Future<Output = Result<Observed<Term>, Infallible>> + Send {
        ready(Ok(self.inner.load()))
    }

    fn create(&self, genesis: Genesis<Term>) -> impl Future<Output = Result<Swap<Term>, Infallible>> + Send {
        ready(Ok(self.inner.create(genesis)))
    }

    fn swap(
        &self,
        permit: Permit<Term>,
        (): (),
    ) -> impl Future<Output = Result<Swap<Term>, Infallible>> + Send {
        // The cell wants a tree wherever something is granted.
        ready(Ok(self.inner.swap(permit, Edit::Put(()))))
    }
}
