//! Exhaustive exploration of one configuration.

use dnsplan_sim::explore::{Named, Report, explore};
use serde_json::{Value, json};

use crate::args::Format;
use crate::failure::Code;
use crate::render::{BOLD, print_json, styled};

use super::{code, text};

/// Explores all of it, and says what came out.
pub(super) fn run(named: &Named, format: Format) -> Code {
    let report = explore(&named.config, usize::MAX);
    match format {
        Format::Json => print_json(&to_json(named, &report)),
        Format::Text => {
            let verdict =
                if report.holds() { styled(text::GOOD, "holds") } else { styled(text::BAD, "BROKEN") };
            let title = styled(BOLD, format_args!("{}: {}", named.name, named.about));
            outln!("{title}\n{verdict}: {}", report.to_string().trim_end());
        }
    }
    code(report.holds())
}

fn to_json(named: &Named, report: &Report) -> Value {
    let violation = report.violation.as_ref().map(
        |violation| json!({ "invariant": violation.invariant.key(), "text": violation.what, "steps": violation.steps }),
    );
    json!({
        "schema": "dnsplan.simulate-explore/1",
        "name": named.name,
        "about": named.about,
        "states": report.states,
        "places": report.places,
        "transitions": report.transitions,
        "depth": report.depth,
        "stuck": report.stuck,
        "complete": report.complete,
        "violation": violation,
        "holds": report.holds(),
    })
}
