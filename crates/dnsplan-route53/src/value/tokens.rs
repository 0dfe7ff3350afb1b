//! The words and quoted strings of a value.

use super::unquoted;

/// A piece of a value between blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// As it is written. It may hold quoted parts, as `alpn="h2,h3"` does.
    Word(Vec<u8>),
    /// What stood between quotation marks, unescaped.
    Quoted(Vec<u8>),
}

/// The tokens of a value; `None` where a quotation mark is missing.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_ascii().as_bytes();
    while !rest.is_empty() {
        let (token, after) = match rest[0] {
            b'"' => unquoted(rest).map(|(string, after)| (Token::Quoted(string), after))?,
            _ => word(rest)?,
        };
        tokens.push(token);
        rest = after.trim_ascii_start();
    }
    Some(tokens)
}

/// A word ends at a blank outside of quotation marks.
fn word(text: &[u8]) -> Option<(Token, &[u8])> {
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            blank if blank.is_ascii_whitespace() => break,
            b'"' => rest = unquoted(rest)?.1,
            b'\\' => rest = after.get(1..)?,
            _ => rest = after,
        }
    }
    let (word, rest) = text.split_at(text.len() - rest.len());
    Some((Token::Word(word.to_vec()), rest))
}
