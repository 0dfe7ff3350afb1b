//! Reading TOML tables by hand. serde would stop at the first problem; here every key is looked at.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{At, Problems};

/// A value with its place.
pub(super) type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

pub(super) fn at(value: Value<'_, '_>) -> At {
    value.span().start
}

/// The keys of one table; those that nobody asked for are unknown.
pub(super) struct Fields<'a, 'i> {
    what: String,
    at: At,
    table: &'a DeTable<'i>,
    known: Vec<&'static str>,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// The fields of `value`, which is `what`; `None` (and a problem) where it is no table.
    pub(super) fn of(
        what: impl Into<String>,
        value: Value<'a, 'i>,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let what = what.into();
        match value.get_ref().as_table() {
            Some(table) => Some(Self { what, at: at(value), table, known: Vec::new() }),
            None => {
                wrong_type(&what, value, "a table such as { key = \"value\" }", problems);
                None
            }
        }
    }

    /// The fields of a whole document.
    pub(super) const fn document(table: &'a DeTable<'i>) -> Self {
        Self { what: String::new(), at: 0, table, known: Vec::new() }
    }

    /// Where the table begins.
    pub(super) const fn at(&self) -> At {
        self.at
    }

    pub(super) fn optional(&mut self, key: &'static str) -> Option<Value<'a, 'i>> {
        self.known.push(key);
        self.table.get(key)
    }

    pub(super) fn required(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Value<'a, 'i>> {
        let found = self.optional(key);
        if found.is_none() {
            problems.add(
                self.at,
                format!("{} has no `{key}`", self.what),
                format!("add `{key} = {example}`"),
            );
        }
        found
    }

    /// The text under a key.
    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<(&'a str, At)> {
        let value = self.optional(key)?;
        string(&format!("`{key}`"), value, problems).map(|text| (text, at(value)))
    }

    pub(super) fn required_text(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<(&'a str, At)> {
        let value = self.required(key, example, problems)?;
        string(&format!("`{key}`"), value, problems).map(|text| (text, at(value)))
    }

    /// The whole number under a key, within `range`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
        problems: &mut Problems<'_>,
    ) -> Option<u32> {
        let value = self.optional(key)?;
        number(&format!("`{key}`"), value, range, problems)
    }

    /// The truth value under a key.
    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<bool> {
        let value = self.optional(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            wrong_type(&format!("`{key}`"), value, "true or false", problems);
        }
        flag
    }

    /// The list of texts under a key; one text counts as a list of one.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Vec<(&'a str, At)>> {
        let value = self.optional(key)?;
        texts(&format!("`{key}`"), value, problems)
    }

    /// Names the keys that nobody asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let message = match self.what.as_str() {
                "" => format!("unknown table or key `{name}`"),
                what => format!("unknown key `{name}` in {what}"),
            };
            problems.add(key.span().start, message, suggestion(name, &self.known));
        }
    }
}

pub(super) fn string<'a>(what: &str, value: Value<'a, '_>, problems: &mut Problems<'_>) -> Option<&'a str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_type(what, value, "a text in quotes", problems);
    }
    text
}

/// A list of texts, or one; `None` (and a problem) where something in it is no text.
pub(super) fn texts<'a>(
    what: &str,
    value: Value<'a, '_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<(&'a str, At)>> {
    let mut text = |value| string(what, value, problems).map(|text| (text, at(value)));
    match value.get_ref() {
        DeValue::Array(items) => {
            let read: Vec<_> = items.iter().map(text).collect();
            read.into_iter().collect()
        }
        _ => text(value).map(|text| vec![text]),
    }
}

/// The elements of an array of tables, as `[[what]]` makes them.
pub(super) fn tables<'a, 'i>(
    what: &str,
    value: Option<Value<'a, 'i>>,
    problems: &mut Problems<'_>,
) -> Vec<Fields<'a, 'i>> {
    let Some(value) = value else { return Vec::new() };
    match value.get_ref().as_array() {
        Some(items) => items.iter().filter_map(|item| Fields::of(what, item, problems)).collect(),
        None => {
            wrong_type(
                &format!("`{what}`"),
                value,
                &format!("a list of tables, each under [[{what}]]"),
                problems,
            );
            Vec::new()
        }
    }
}

/// The entries of a table whose keys are names, as `[what.name]` makes them.
pub(super) fn entries<'a, 'i>(
    what: &str,
    value: Option<Value<'a, 'i>>,
    problems: &mut Problems<'_>,
) -> Vec<(&'a str, At, Value<'a, 'i>)> {
    let Some(value) = value else { return Vec::new() };
    match value.get_ref().as_table() {
        Some(table) => {
            table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span().start, value)).collect()
        }
        None => {
            wrong_type(
                &format!("`{what}`"),
                value,
                &format!("tables by name, each under [{what}.\"name\"]"),
                problems,
            );
            Vec::new()
        }
    }
}

pub(super) fn number(
    what: &str,
    value: Value<'_, '_>,
    range: std::ops::RangeInclusive<u32>,
    problems: &mut Problems<'_>,
) -> Option<u32> {
    let Some(integer) = value.get_ref().as_integer() else {
        wrong_type(what, value, "a whole number", problems);
        return None;
    };
    let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n));
    if number.is_none() {
        let remedy = format!("use a whole number from {} to {}", range.start(), range.end());
        problems.add(at(value), format!("{what} is {integer}, which is out of range"), remedy);
    }
    number
}

pub(super) fn wrong_type(what: &str, value: Value<'_, '_>, wanted: &str, problems: &mut Problems<'_>) {
    let found = value.get_ref().type_str();
    let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
    problems.add(at(value), format!("{what} is {article} {found}"), format!("write {wanted}"));
}

/// "did you mean" for the nearest of `known`, or all of them.
pub(super) fn suggestion<'k>(found: &str, known: impl IntoIterator<Item = &'k &'k str>) -> String {
    let mut known: Vec<&str> = known.into_iter().copied().collect();
    known.sort_unstable();
    let nearest = known.iter().map(|key| (distance(found, key), *key)).min();
    match nearest {
        Some((far, key)) if far <= 2.max(key.len() / 3) => format!("did you mean `{key}`?"),
        Some(_) => format!("known here: {}", known.join(", ")),
        None => "there is none here".to_owned(),
    }
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, suggestion};

    #[test]
    fn the_nearest_key_is_suggested() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(suggestion("at_last", &["at_least", "policy"]), "did you mean `at_least`?");
        assert_eq!(suggestion("xyzzy", &["ttl", "name"]), "known here: name, ttl");
    }
}
