//! Faults on order.

use std::time::Duration;

use crate::log::Operation;
use crate::random::Random;
use crate::refusal::Refusal;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused: `Throttling`, "Rate exceeded".
    Throttled,
    /// Refused: `PriorRequestNotComplete`.
    PriorRequestNotComplete,
    /// Refused: `AccessDenied`.
    AccessDenied,
    /// Refused: `ExpiredToken`.
    ExpiredToken,
    /// Refused: `InvalidClientTokenId`.
    InvalidClientTokenId,
    /// The connection is closed before anything is done. What was asked can still come: [`Fake::deliver_again`](crate::Fake::deliver_again).
    RequestLost,
    /// It is done, and the connection is closed without an answer.
    ReplyLost,
    /// It arrives so much later, even if the caller has gone away meanwhile.
    Delayed(Duration),
    /// It arrives when [`Fake::release`](crate::Fake::release) is called, even if the caller has gone away meanwhile.
    Held,
    /// A change request arrives a second time, after so many further change requests.
    Duplicated {
        /// How many change requests are decided in between.
        after: usize,
    },
}

impl Fault {
    /// On the next `calls` calls.
    #[must_use]
    pub const fn next(self, calls: u64) -> Rule {
        self.rule(When::Next(calls))
    }

    /// On a fraction of the calls, from 0 to 1, chosen by the fake's seed.
    #[must_use]
    pub const fn fraction(self, fraction: f64) -> Rule {
        self.rule(When::Fraction(fraction))
    }

    /// On every call, until the faults are cleared.
    #[must_use]
    pub const fn always(self) -> Rule {
        self.rule(When::Next(u64::MAX))
    }

    const fn rule(self, when: When) -> Rule {
        Rule { fault: self, when, on: None, spared: 0 }
    }

    /// The error that a call is refused with.
    pub(crate) const fn refusal(self, operation: Operation) -> Option<Refusal> {
        match self {
            Self::Throttled => Some(Refusal::Throttling),
            Self::PriorRequestNotComplete => Some(Refusal::PriorRequestNotComplete),
            Self::AccessDenied => Some(Refusal::AccessDenied(operation.name())),
            Self::ExpiredToken => Some(Refusal::ExpiredToken),
            Self::InvalidClientTokenId => Some(Refusal::InvalidClientTokenId),
            Self::RequestLost | Self::ReplyLost | Self::Delayed(_) | Self::Held | Self::Duplicated { .. } => {
                None
            }
        }
    }
}

/// A fault and when it strikes. Several may strike one call: it is delayed first, then the earliest rule decides how it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    fault: Fault,
    when: When,
    on: Option<Operation>,
    spared: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Next(u64),
    Fraction(f64),
}

impl Rule {
    /// Only on calls of one operation.
    #[must_use]
    pub const fn on(mut self, operation: Operation) -> Self {
        self.on = Some(operation);
        self
    }

    /// Only after so many calls (of its operation) have been spared.
    #[must_use]
    pub const fn after(mut self, calls: u64) -> Self {
        self.spared = calls;
        self
    }

    fn strikes(&mut self, operation: Operation, random: &mut Random) -> bool {
        if self.on.is_some_and(|on| on != operation) {
            return false;
        }
        if self.spared > 0 {
            self.spared -= 1;
            return false;
        }
        match &mut self.when {
            When::Next(0) => false,
            When::Next(u64::MAX) => true,
            When::Next(calls) => {
                *calls -= 1;
                true
            }
            When::Fraction(fraction) => random.chance(*fraction),
        }
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Rule>);

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What strikes one call.
    pub(crate) fn strike(&mut self, operation: Operation, random: &mut Random) -> Vec<Fault> {
        let struck = self
            .0
            .iter_mut()
            .filter_map(|rule| rule.strikes(operation, random).then_some(rule.fault))
            .collect();
        self.0.retain(|rule| rule.when != When::Next(0));
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Operation = Operation::ListResourceRecordSets;
    const CHANGE: Operation = Operation::ChangeResourceRecordSets;

    #[test]
    fn a_rule_strikes_when_it_says() {
        let mut random = Random::seeded(1);
        let mut faults = Faults::default();
        faults.add(Fault::Throttled.next(2).on(CHANGE).after(1));
        faults.add(Fault::ReplyLost.always().on(LIST));
        let mut strike = |operation| faults.strike(operation, &mut random);
        assert_eq!(strike(CHANGE), []);
        assert_eq!(strike(LIST), [Fault::ReplyLost]);
        assert_eq!(strike(CHANGE), [Fault::Throttled]);
        assert_eq!(strike(CHANGE), [Fault::Throttled]);
        assert_eq!(strike(CHANGE), []);
        assert_eq!(strike(LIST), [Fault::ReplyLost]);
        assert_eq!(strike(Operation::GetChange), []);
    }

    #[test]
    fn a_fraction_is_about_right_and_repeats_with_its_seed() {
        let count = |seed, fraction: f64| {
            let (mut random, mut faults) = (Random::seeded(seed), Faults::default());
            faults.add(Fault::Throttled.fraction(fraction));
            (0..10_000).filter(|_| !faults.strike(LIST, &mut random).is_empty()).count()
        };
        assert_eq!((count(1, 0.0), count(1, 1.0)), (0, 10_000));
        assert!(count(1, 0.2).abs_diff(2_000) < 200, "{}", count(1, 0.2));
        assert_eq!(count(1, 0.2), count(1, 0.2));
        assert_ne!(count(1, 0.2), count(2, 0.2));
    }
}
