//! The events of an enactor as lines of the timeline.

use std::sync::Arc;

use dnsplan_enactor::Event;
use dnsplan_fence::{Generation, Move, Part};

use crate::log::Log;

/// Enters what an enactor has to say.
pub(crate) fn record(log: &Log, actor: &Arc<str>, event: &Event) {
    let Some((kind, generation)) = classify(event) else { return };
    let is_detail = match event {
        Event::Wrote { action: Move::Stage(_), .. } => true,
        Event::Wrote { action: Move::Flip(part) | Move::Apply(part), .. } => !part.is_last(),
        // A race for the same work; the clean-up of the tree in question has its own line.
        Event::Lost { generation, now, .. } => now.is_none_or(|now| *generation >= now),
        _ => false,
    };
    if is_detail {
        log.detail(actor, kind, generation, || text(event));
    } else {
        log.say(actor, kind, generation, || text(event));
    }
}

fn text(event: &Event) -> String {
    match event {
        Event::Wrote { generation, action: Move::Stage(part) } => {
            format!("stages generation {generation} out of sight, {}", of(*part))
        }
        Event::Wrote { generation, action: Move::Flip(part) } => {
            format!("flips to generation {generation}, {}", of(*part))
        }
        Event::Wrote { generation, action: Move::Apply(part) } => {
            format!("puts generation {generation} in place, {}", of(*part))
        }
        Event::Wrote { action: Move::RaiseFloor(floor), .. } => {
            format!("cleans up: raises the floor to {floor}, nothing below may ever be applied")
        }
        Event::Reaped(tree) => format!("cleans up: deletes the tree of generation {}", tree.generation),
        event => event.to_string(),
    }
}

/// `None` for what another event says better.
fn classify(event: &Event) -> Option<(&'static str, Option<Generation>)> {
    let (kind, generation) = match event {
        Event::Bootstrapped => ("bootstrapped", None),
        Event::Wrote { action: Move::Reap(_), .. } => return None,
        Event::Wrote { generation, action: Move::Stage(_) } => ("staged", Some(*generation)),
        Event::Wrote { generation, action: Move::Flip(_) } => ("flipped", Some(*generation)),
        Event::Wrote { action: Move::RaiseFloor(floor), .. } => ("floor-raised", Some(*floor)),
        Event::Wrote { generation, action: Move::Apply(_) } => ("applied", Some(*generation)),
        Event::Wrote { generation, .. } => ("wrote", Some(*generation)),
        Event::Lost { generation, .. } => ("refused", Some(*generation)),
        Event::Settled(_) => ("reply-lost", None),
        Event::Fenced(_) => ("no-permit", None),
        Event::Frozen(_) => ("frozen", None),
        Event::TargetAhead { seen, .. } => ("target-ahead", Some(*seen)),
        Event::Rewound { live, .. } => ("rewound", Some(*live)),
        Event::Rejected(generation) => ("rejected", Some(*generation)),
        Event::TooManyRejected(generation) => ("too-many-rejected", Some(*generation)),
        Event::ProtectedRejected { generation, .. } => ("protected-rejected", Some(*generation)),
        Event::Guarded { generation, .. } => ("guarded", Some(*generation)),
        Event::Quarantined { generation, .. } => ("quarantined", Some(*generation)),
        Event::Repaired(_) => ("repaired", None),
        Event::StoreTrouble(_) => ("store-trouble", None),
        Event::Failed(_) => ("failed", None),
        Event::Confirmed(generation) => ("confirmed", Some(*generation)),
        Event::Reaped(tree) => ("reaped", Some(tree.generation)),
        Event::Reissued { to, .. } => ("reissued", Some(*to)),
    };
    Some((kind, generation))
}

fn of(part: Part) -> String {
    format!("part {} of {}", part.index() + 1, part.of())
}
