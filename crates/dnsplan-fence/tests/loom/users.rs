//! Those who use the cell, each as the protocol has it: load, witness, sight, permit, swap.

use std::sync::Arc;

use dnsplan_fence::{
    Actor, Digest, Edit, Fenced, Generation, Move, Nonce, Offer, OfferedGeneration, Part, Refused, Sighting,
    Standing, Swap,
};

/// The store's head in every model.
pub(crate) const HEAD: u64 = 3;

/// A plan whose content is its own number.
pub(crate) struct Plan(pub(crate) u64);

impl Offer for Plan {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(Generation::new(self.0))
    }
    fn digest(&self) -> Digest {
        Digest::new([u8::try_from(self.0).expect("a small number"); 32])
    }
}

/// One user of the cell, with nonces that nobody else uses.
pub(crate) struct User {
    cell: Arc<Fenced<u64>>,
    actor: Actor,
    nonces: u128,
}

impl User {
    pub(crate) fn new(cell: &Arc<Fenced<u64>>, number: u8) -> Self {
        let actor = Actor::new(&format!("user-{number}")).expect("a name");
        Self { cell: Arc::clone(cell), actor, nonces: u128::from(number) << 64 }
    }

    pub(crate) fn nonce(&mut self) -> Nonce {
        self.nonces += 1;
        Nonce::new(self.nonces)
    }

    /// A load, and the head that the store answered to its witness.
    pub(crate) fn sight(&self) -> Sighting<()> {
        let seen = self.cell.load();
        let head = seen.witness().answered(Standing::new(Generation::new(HEAD)));
        seen.sight(head).expect("a record is there")
    }

    pub(crate) fn swap(
        &mut self,
        sighting: &Sighting<()>,
        plan: &Plan,
        action: Move,
    ) -> Result<Swap<()>, Refused> {
        let attempt = self.nonce();
        let edit = if matches!(action, Move::Apply(_)) { Edit::Put(plan.0) } else { Edit::Keep };
        let permit = sighting.permit(plan, action, attempt, &self.actor)?;
        Ok(self.cell.swap(permit, edit))
    }

    /// Puts `plan` in place, at most `attempts` times.
    pub(crate) fn enact(&mut self, plan: &Plan, attempts: u32) -> Enacted {
        for _ in 0..attempts {
            let sighting = self.sight();
            match self.swap(&sighting, plan, Move::Apply(Part::ONLY)) {
                Ok(Swap::Won) => return Enacted::Won,
                Ok(Swap::Lost(_)) => {}
                Ok(Swap::Unknown) => unreachable!("a cell knows"),
                Err(Refused::Stale { .. } | Refused::BelowFloor { .. }) => return Enacted::Refused,
                Err(other) => panic!("refused for another reason: {other}"),
            }
        }
        Enacted::GaveUp
    }

    /// Raises the floor to what it saw live, then deletes what the record allows to be deleted.
    pub(crate) fn reap(&mut self) {
        let sighting = self.sight();
        let live = Plan(Generation::from(sighting.generation()).get());
        if self.swap(&sighting, &live, Move::RaiseFloor(live.offered().into())) != Ok(Swap::Won) {
            return;
        }
        for generation in self.cell.reapable() {
            let sighting = self.sight();
            let newest = Plan(Generation::from(sighting.generation()).get());
            let (Ok(_) | Err(_)) = self.swap(&sighting, &newest, Move::Reap(generation));
        }
    }
}

/// What became of an enactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enacted {
    Won,
    Refused,
    GaveUp,
}

/// A cell in which generation 1 is live.
pub(crate) fn cell_at_one() -> Arc<Fenced<u64>> {
    let cell = Arc::new(Fenced::new());
    let mut user = User::new(&cell, 0);
    let attempt = user.nonce();
    let genesis = cell.load().genesis(attempt, &user.actor, ()).expect("nothing was there");
    assert_eq!(cell.create(genesis), Swap::Won);
    let seen = cell.load();
    let head = seen.witness().answered(Standing::new(Generation::new(1)));
    let sighting = seen.sight(head).expect("a record is there");
    assert_eq!(user.swap(&sighting, &Plan(1), Move::Apply(Part::ONLY)), Ok(Swap::Won));
    cell
}
