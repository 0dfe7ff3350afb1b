//! How things look: signs and colours as in Terraform, tables, times, JSON.

mod diff;
mod json;
#[cfg(test)]
mod tests;
mod zone;

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets};
use dnsplan::plan::Timestamp;

pub(crate) use diff::{Counts, diff};
pub(crate) use json::{diff_json, entry_json, plan_json, print as print_json, zone_json};
pub(crate) use zone::zone;

pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const BOLD: Style = Style::new().bold();

/// `text` in `style`.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A time of day, in UTC and to the second.
pub(crate) fn time(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A table without lines, for people and for `awk`.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec()).add_rows(rows);
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}
