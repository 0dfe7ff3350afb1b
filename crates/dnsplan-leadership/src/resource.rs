//! What is led: something that is written, and refuses the writes of an epoch that is over, in the write itself.

use std::future::Future;

use crate::{BelowFloor, Order, Position, Receipt, Token, WriteId};

/// What became of a write. There is no fourth answer, and none of them is "read-only".
#[must_use = "a write that is fenced or unknown has not been done"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// It took effect, here.
    Applied(Position),
    /// It has definitely not taken effect, and never will: send it to the holder that the record names now.
    Fenced(BelowFloor),
    /// It may have taken effect, or may yet: ask the resource for this id.
    Unknown(WriteId),
}

/// Something that is written under a token.
///
/// # Contract
/// * `write` compares the token's epoch with a stored [`Floor`](crate::Floor) and writes, in **one** atomic step, and
///   raises the floor to that epoch.
/// * `seal` raises the floor above the order's epoch and reads the last accepted position, in **one** atomic step. Sealing
///   again answers the same position for as long as nothing newer is accepted.
/// * The floor is as durable as the writes.
pub trait Fenced: Sync {
    /// What is written.
    type Write: Send;
    /// Why something did definitely not happen.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Writes under a token, or refuses.
    fn write(
        &self,
        token: &Token,
        id: WriteId,
        write: Self::Write,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;

    /// Refuses everything up to the order's epoch from now on. Where the reply is lost, order it again.
    fn seal(&self, order: Order) -> impl Future<Output = Result<Receipt, Self::Error>> + Send;
}

impl<F: Fenced> Fenced for &F {
    type Write = F::Write;
    type Error = F::Error;

    fn write(
        &self,
        token: &Token,
        id: WriteId,
        write: F::Write,
    ) -> impl Future<Output = Result<Written, F::Error>> + Send {
        F::write(self, token, id, write)
    }

    fn seal(&self, order: Order) -> impl Future<Output = Result<Receipt, F::Error>> + Send {
        F::seal(self, order)
    }
}
