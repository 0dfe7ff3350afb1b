//! A connection out of the pool for one call.

use std::ops::Deref;

use deadpool_postgres::{Client, ClientWrapper, Pool};
use tokio_postgres::SimpleQueryMessage;

use crate::Error;

/// A connection that goes back to the pool only where the call came to its end: one that was given up half-way may be inside a
/// transaction, which whoever gets it next would commit.
pub(crate) struct Session(Option<Client>);

impl Session {
    pub(crate) async fn begin(pool: &Pool) -> Result<Self, Error> {
        Ok(Self(Some(pool.get().await?)))
    }

    /// Gives the connection back.
    pub(crate) fn end(mut self) {
        self.0 = None;
    }

    /// Rolls back and gives the connection back, where there is one still. The server has rolled back otherwise.
    pub(crate) async fn roll_back(self) {
        if self.batch_execute("ROLLBACK").await.is_ok() {
            self.end();
        }
    }
}

impl Deref for Session {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        self.0.as_deref().expect("invariant: it is there until the end")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Client::take(client));
        }
    }
}

/// The last value of the last row, as text.
pub(crate) fn last_value(messages: &[SimpleQueryMessage]) -> Option<&str> {
    messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}
