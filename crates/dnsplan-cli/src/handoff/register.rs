//! The registers that the command line knows.

use dnsplan::fence::{Genesis, Observed, Permit, Register, Swap};
use dnsplan::leadership::Term;
use dnsplan::leadership::postgres::PostgresRegister;
use dnsplan::plan::StoreError;
use dnsplan::store::EmbeddedRole;

/// Where the record is.
#[derive(Debug)]
pub(crate) enum AnyRegister {
    Postgres(PostgresRegister),
    Store(EmbeddedRole),
}

/// Why it did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error(transparent)]
    Postgres(#[from] dnsplan::leadership::postgres::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Register for AnyRegister {
    type Payload = Term;
    type Rider = ();
    type Error = RegisterError;

    async fn load(&self) -> Result<Observed<Term>, RegisterError> {
        Ok(match self {
            Self::Postgres(register) => register.load().await?,
            Self::Store(register) => register.load().await?,
        })
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, RegisterError> {
        Ok(match self {
            Self::Postgres(register) => register.create(genesis).await?,
            Self::Store(register) => register.create(genesis).await?,
        })
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, RegisterError> {
        Ok(match self {
            Self::Postgres(register) => register.swap(permit, ()).await?,
            Self::Store(register) => register.swap(permit, ()).await?,
        })
    }
}
