//! What is explored.

use dnsplan_enactor::Layout;

/// Who chooses the writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deciding {
    /// The production enactor's `choose`, `decide` and `verify`.
    Enactors,
    /// Anybody who sends whatever the fence permits, for any plan up to the head: explores the fence by itself.
    Adversary,
}

/// A rule that is left out, to see what it is for. Every one is a variation around the production code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// R1: a listing of the target, not the record, says whether a tree is ready.
    ReadyByRecord,
    /// R2: deletions are not compared with the record; whoever sends one checked before.
    FencedReap,
    /// R2, R8: flips and applied parts are not compared with the record; whoever sends one checked before.
    FencedFlip,
    /// R3: a stage does not write the record, so a listing has to say whether a tree is ready.
    StageWritesRecord,
    /// R4: the first record already grants the newest plan.
    TwoStepBootstrap,
    /// R5: the head may have been read before the record.
    HeadAfterRecord,
    /// R6: the base rises with the first part of a flip.
    BaseRisesLast,
    /// R6: whatever is older than what the record grants may be deleted.
    ReapBelowBase,
    /// R6: a newer tree may be deleted as abandoned though the floor is not above it.
    ReapBelowFloor,
    /// R7: the floor may be raised above the head, which can then never be applied; only a plan that is not there yet
    /// could.
    FloorUpToHead,
    /// R8: the offered generation is not compared with the record's.
    NewerThanLive,
    /// R9: trees and stages are told apart by their number alone.
    NamedByDigest,
    /// R10: the store hands out its head + 1, whatever was seen at the target. Nothing breaks by that alone: G6 refuses
    /// the number, and the next one is free.
    NumberAboveSeen,
    /// Records are compared without their nonces.
    Nonces,
}

/// One exploration. All interleavings of everything it allows are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Enactors, each with at most one observation in its hands; 1 to 3.
    pub enactors: u8,
    /// Plans are appended up to this generation, at any time; 1 to 6.
    pub generations: u8,
    /// Writes that the network holds at a time, delivered ones that could match again included; 1 to 4.
    pub in_flight: u8,
    /// How the target changes what it answers.
    pub layout: Layout,
    /// Owner names in one write.
    pub batch: u8,
    /// Whether a third owner name comes and goes with the plans, beside the two endpoints.
    pub comes_and_goes: bool,
    /// Who chooses the writes.
    pub deciding: Deciding,
    /// Whether a backup of the whole target is taken at any time, and restored once at any later time.
    pub rewind: bool,
    /// How often the fence record is deleted by hand; at most 3.
    pub deletions: u8,
    /// How often the fence record is overwritten by hand with something that is none; at most 3.
    pub corruptions: u8,
    /// How often what answers for an endpoint is deleted by hand; at most 3.
    pub damages: u8,
    /// Whether the plan store is once put back to before its newest plan.
    pub store_rewind: bool,
    /// Whether the network may deliver the creation of a first record again after it has taken effect. Together with a
    /// deletion by hand, and with enough writes in flight, that takes DNS backwards: everything built on that record
    /// may be delivered again as well.
    pub creates_again: bool,
    /// The rule that is left out.
    pub without: Option<Rule>,
}

impl Default for Config {
    /// Two enactors, two generations, one write in flight, a tree flipped in two parts, and no fault by hand.
    fn default() -> Self {
        Self {
            enactors: 2,
            generations: 2,
            in_flight: 1,
            layout: Layout::Tree,
            batch: 1,
            comes_and_goes: false,
            deciding: Deciding::Enactors,
            rewind: false,
            deletions: 0,
            corruptions: 0,
            damages: 0,
            store_rewind: false,
            creates_again: true,
            without: None,
        }
    }
}

impl Config {
    /// The same with every number in the range that the packed states can hold.
    #[must_use]
    pub(super) fn clamped(&self) -> Self {
        Self {
            enactors: self.enactors.clamp(1, 3),
            generations: self.generations.clamp(1, 6),
            in_flight: self.in_flight.clamp(1, 4),
            batch: self.batch.max(1),
            deletions: self.deletions.min(3),
            corruptions: self.corruptions.min(3),
            damages: self.damages.min(3),
            ..*self
        }
    }

    pub(super) fn is_without(&self, rule: Rule) -> bool {
        self.without == Some(rule)
    }
}
