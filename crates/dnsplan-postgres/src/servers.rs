//! A role that moves between servers: a primary and its replicas, each with a place of its own for what is written.
//!
//! 1. The record is elsewhere: a promotion must not put it back.
//! 2. An epoch is sealed at the server of its holder, which demotes it, and then nobody writes.
//! 3. Who has replayed the seal has every write before it, and is promoted. That grants nothing: a server that was promoted accepts no
//!    write before an epoch was *opened* on it, which follows the grant.
//! 4. What an epoch is granted to is a server on its timeline: every promotion begins another one. That alone is no fence, as a timeline
//!    can be copied, and its number comes back: an epoch is accepted where it was opened since that server was started.

mod fitness;
mod member;
mod progress;
mod steward;

use dnsplan_leadership::{Fenced, Holder, Order, Receipt, Scope, Token, WriteId, Written};

use crate::{Error, PostgresResource, Write};

pub use fitness::Unfit;
pub use member::{Look, Member, Standing};
pub use progress::{Progress, Stopped};
pub use steward::{Endpoint, Limits, Steward};

/// The servers of a role, as its resource: what is sent under an epoch goes to the server of its holder.
#[derive(Clone, Debug)]
pub struct Servers {
    scope: Scope,
    members: Vec<Member>,
}

impl Servers {
    /// These servers, which have names of their own each.
    #[must_use]
    pub const fn new(scope: Scope, members: Vec<Member>) -> Self {
        Self { scope, members }
    }

    /// What is written there.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Every one of them.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The server of a holder.
    ///
    /// # Errors
    /// [`Error::Unlisted`] where it is none of these.
    pub fn of(&self, holder: &Holder) -> Result<&Member, Error> {
        let found = self.members.iter().find(|member| *member.node() == holder.node);
        found.ok_or_else(|| Error::Unlisted(holder.node.clone()))
    }

    fn resource(&self, holder: &Holder) -> Result<PostgresResource, Error> {
        Ok(PostgresResource::new(self.of(holder)?.pool().clone(), self.scope.clone()))
    }
}

impl Fenced for Servers {
    type Write = Write;
    type Error = Error;

    async fn write(&self, token: &Token, id: WriteId, write: Write) -> Result<Written, Error> {
        self.resource(token.holder())?.write(token, id, write).await
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Error> {
        self.resource(order.held_by())?.seal(order).await
    }
}
