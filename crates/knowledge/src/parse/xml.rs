//! XML of office documents as a flat run of pieces. There are no entities but those of XML itself, because a declaration
//! of any is refused; and no tree, so that depth costs nothing.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Format;
use crate::KnowledgeError;

/// One piece of a document, names without their prefix.
pub(super) enum Piece<'x> {
    /// A start tag.
    Open(Tag<'x>),
    /// An end tag, or the end of an element that has none.
    Close(&'x str),
    /// Text.
    Text(Cow<'x, str>),
}

/// A start tag with its attributes.
pub(super) struct Tag<'x>(&'x BytesStart<'x>);

impl Tag<'_> {
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of an attribute, whatever its prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        self.find(|key| key == name || key.split_once(':').is_some_and(|(_, local)| local == name))
    }

    /// The value of an attribute that has a prefix: `id` and `r:id` are two things.
    pub(super) fn prefixed(&self, name: &str) -> Option<String> {
        self.find(|key| key.split_once(':').is_some_and(|(_, local)| local == name))
    }

    /// The attribute `val`, which most properties have.
    pub(super) fn value(&self) -> Option<String> {
        self.attribute("val")
    }

    /// Whether a property that is on by being there is on.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.value().as_deref(), Some("0" | "false" | "off" | "none"))
    }

    fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        let mut attributes = attributes.with_checks(false).filter_map(Result::ok);
        let found = attributes.find(|attribute| wanted(attribute.key.into_inner()))?;
        Some(match quick_xml::escape::unescape(&found.value) {
            Ok(value) => value.into_owned(),
            Err(_) => found.value.into_owned(),
        })
    }
}

/// Gives every piece of a document to `step`.
pub(super) fn walk(
    format: Format,
    xml: &str,
    mut step: impl FnMut(Piece<'_>) -> Result<(), KnowledgeError>,
) -> Result<(), KnowledgeError> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|error| KnowledgeError::malformed(format, error))? {
            Event::Start(tag) => step(Piece::Open(Tag(&tag)))?,
            Event::Empty(tag) => {
                step(Piece::Open(Tag(&tag)))?;
                step(Piece::Close(tag.local_name().into_inner()))?;
            }
            Event::End(tag) => step(Piece::Close(tag.local_name().into_inner()))?,
            Event::Text(text) => step(Piece::Text(text.xml10_content()))?,
            Event::CData(text) => step(Piece::Text(text.xml10_content()))?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let named = quick_xml::escape::resolve_xml_entity(&reference.xml10_content()).map(str::to_owned);
                if let Some(text) = character.map(String::from).or(named) {
                    step(Piece::Text(text.into()))?;
                }
            }
            Event::DocType(_) => return Err(KnowledgeError::malformed(format, "it declares XML entities")),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// The characters of an XML file, which is in UTF-8 or begins with the mark of UTF-16.
pub(super) fn decode(bytes: &[u8]) -> String {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
    encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned()
}
