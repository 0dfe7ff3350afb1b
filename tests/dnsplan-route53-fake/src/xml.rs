//! XML as far as the API needs it: elements with text or with children, no attributes that matter.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::Event;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// The root element of a document. `None` where it is not well-formed.
    pub(crate) fn parse(document: &str) -> Option<Self> {
        let mut reader = Reader::from_str(document);
        // The bottom of the stack collects the root.
        let mut stack = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => stack.push(Self::named(start.local_name().as_ref())),
                Event::Empty(start) => {
                    let element = Self::named(start.local_name().as_ref());
                    stack.last_mut()?.children.push(element);
                }
                Event::End(_) => {
                    let element = stack.pop()?;
                    stack.last_mut()?.children.push(element);
                }
                Event::Text(text) => stack.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => stack.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = &mut stack.last_mut()?.text;
                    match reference.resolve_char_ref().ok()? {
                        Some(char) => text.push(char),
                        None => text.push_str(resolve_predefined_entity(&reference)?),
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let [bottom] = <[Self; 1]>::try_from(stack).ok()?;
        let [root] = <[Self; 1]>::try_from(bottom.children).ok()?;
        Some(root)
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Writes an element with text.
pub(crate) fn leaf(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>{}</{name}>", escape(text)));
}

/// Writes an element with children.
pub(crate) fn branch(out: &mut String, name: &str, children: impl FnOnce(&mut String)) {
    out.push_str(&format!("<{name}>"));
    children(out);
    out.push_str(&format!("</{name}>"));
}

/// A whole document.
pub(crate) fn document(name: &str, children: impl FnOnce(&mut String)) -> String {
    let mut out = "<?xml version=\"1.0\"?>\n".to_owned();
    out.push_str(&format!("<{name} xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"));
    children(&mut out);
    out.push_str(&format!("</{name}>"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_their_text_as_it_is() {
        let read = Element::parse(
            "<?xml version=\"1.0\"?><A xmlns=\"u\"><B> &quot;x&#x26;&lt; </B><C/><B><![CDATA[<]]></B></A>",
        );
        let root = read.unwrap();
        assert_eq!((root.name.as_str(), root.children.len()), ("A", 3));
        assert_eq!(root.text_of("B"), Some(" \"x&< "));
        assert_eq!(root.text_of("C"), Some(""));
        assert_eq!(root.children[2].text, "<");
        assert_eq!(root.text_of("D"), None);
    }

    #[test]
    fn what_is_not_well_formed_is_none() {
        for text in ["", "<A>", "<A></B>", "<A/><B/>", "<A>&nothing;</A>", "text"] {
            assert_eq!(Element::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let written = document("A", |out| branch(out, "B", |out| leaf(out, "C", "\"<&>'\\052")));
        assert_eq!(Element::parse(&written).unwrap().child("B").unwrap().text_of("C"), Some("\"<&>'\\052"));
    }
}
