//! Scalars with units: durations, shares, points in time, names of things.

use dnsplan_plan::{Timestamp, Ttl};
use toml::de::DeValue;

use super::fields::{Value, at, wrong_type};
use super::problems::{At, Problems};
use crate::intent::Share;

/// Seconds: a whole number, or a text such as `"90s"`, `"5m"`, `"1h30m"`, `"2d"`, `"1w"` (the units of zone files).
pub(super) fn seconds(what: &str, value: Value<'_, '_>, problems: &mut Problems<'_>) -> Option<Ttl> {
    let seconds = match value.get_ref() {
        DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
        DeValue::String(text) => duration(text),
        _ => {
            wrong_type(what, value, "seconds, such as 300 or \"5m\"", problems);
            return None;
        }
    };
    let ttl = seconds.and_then(|seconds| u32::try_from(seconds).ok()).and_then(Ttl::new);
    if ttl.is_none() {
        let message = format!("{what} is no duration from 0 to 2147483647 seconds");
        problems.add(
            at(value),
            message,
            "write seconds, such as 300, or a text such as \"5m\", \"1h30m\" or \"7d\"",
        );
    }
    ttl
}

fn duration(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (count, after) = rest.split_at(digits);
        let mut unit = after.chars();
        let factor = match unit.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            _ => return None,
        };
        let part = count.parse::<u64>().ok()?.checked_mul(factor)?;
        total = total.checked_add(part)?;
        rest = unit.as_str();
    }
    (!text.is_empty()).then_some(total)
}

/// A share: a number from 0 to 1, kept in ten-thousandths so that no rounding of floats decides anything.
pub(super) fn share(what: &str, value: Value<'_, '_>, problems: &mut Problems<'_>) -> Option<Share> {
    let number = match value.get_ref() {
        DeValue::Integer(integer) => integer.as_str().parse::<f64>().ok(),
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        _ => {
            wrong_type(what, value, "a share from 0 to 1, such as 0.5", problems);
            return None;
        }
    };
    let share = number.and_then(Share::from_fraction);
    if share.is_none() {
        problems.add(at(value), format!("{what} is no share from 0 to 1"), "write a number such as 0.5");
    }
    share
}

/// A point in time: RFC 3339 in quotes, or TOML's own date and time, with `Z` or an offset.
pub(super) fn time(what: &str, value: Value<'_, '_>, problems: &mut Problems<'_>) -> Option<Timestamp> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        _ => {
            wrong_type(what, value, "a time such as \"2026-12-01T00:00:00Z\"", problems);
            return None;
        }
    };
    let parsed = text.parse::<jiff::Timestamp>().ok();
    let millis = parsed.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    if millis.is_none() {
        let message = format!("{what} is {text:?}, which is no point in time");
        problems.add(at(value), message, "write date, time and offset, such as \"2026-12-01T00:00:00Z\"");
    }
    millis.map(Timestamp::from_millis)
}

/// A name of a pool or a member: 1 to 63 characters, so that `pool/member` fits the id of a weighted record.
pub(super) fn label(what: &str, text: &str, place: At, problems: &mut Problems<'_>) -> bool {
    let fits = (1..=63).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'));
    if !fits {
        let message = format!("{what} is called {text:?}");
        problems.add(place, message, "use 1 to 63 letters, digits, '-', '_' or '.'");
    }
    fits
}

/// The id of a health check: up to 64 characters, as Route 53 has it, none of which is a space or needs quoting to be read.
pub(super) fn check_id(text: &str, place: At, problems: &mut Problems<'_>) -> bool {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
    if !fits {
        let message = format!("{text:?} is no id of a health check");
        problems.add(
            place,
            message,
            "write the id that the provider shows: 1 to 64 visible ASCII characters",
        );
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations() {
        assert_eq!(duration("90s"), Some(90));
        assert_eq!(duration("1h30m"), Some(5_400));
        assert_eq!(duration("1w2d"), Some(777_600));
        for bad in ["", "5", "m", "1.5h", "-5m", "5 m", "5y", "99999999999999999999w"] {
            assert_eq!(duration(bad), None, "{bad:?}");
        }
    }
}
