//! Numbers as people read them.

use dnsplan_sim::{Outcome, Weak};

/// Seconds since the start, such as `1.234 s`.
pub(super) fn time(millis: u64) -> String {
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}

/// A label of the time axis: no more digits than needed.
pub(super) fn tick(millis: u64) -> String {
    let exact = format!("{}.{:03}", millis / 1000, millis % 1000);
    format!("{} s", exact.trim_end_matches('0').trim_end_matches('.'))
}

/// A number with commas, such as `12,345`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Such as `1 step` and `2 steps`.
pub(super) fn count(of: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(of as u64), if of == 1 { one } else { many })
}

/// A length in a drawing, to a tenth: finer is only more bytes.
pub(super) fn px(length: f64) -> String {
    format!("{}", (length * 10.0).round() / 10.0)
}

/// At most `most` characters, the last of them an ellipsis where something was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// An endpoint as people call it: relative to the zone.
pub(super) fn short<'a>(endpoint: &'a str, outcome: &Outcome) -> &'a str {
    let relative = endpoint.strip_suffix(outcome.zone.as_str()).and_then(|name| name.strip_suffix('.'));
    relative.filter(|name| !name.is_empty()).unwrap_or(endpoint)
}

/// What it means that something is switched off.
pub(super) const fn meaning(weak: Weak) -> &'static str {
    match weak {
        Weak::ApplyFence => "writes that put a plan in place are not compared with the record",
        Weak::CleanupFence => "clean-up deletes by age and asks nobody",
        Weak::Repair => "bookkeeping is a precondition: nothing is repaired",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((time(1_234), time(61_005)), ("1.234 s".to_owned(), "61.005 s".to_owned()));
        assert_eq!([0, 500, 2_000, 10_000, 1].map(tick), ["0 s", "0.5 s", "2 s", "10 s", "0.001 s"]);
        assert_eq!((px(1.0), px(1.26), px(0.04)), ("1".to_owned(), "1.3".to_owned(), "0".to_owned()));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!((cut("short", 5), cut("ünïcödé", 4)), ("short".to_owned(), "ünï\u{2026}".to_owned()));
    }
}
