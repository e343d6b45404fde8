//! The styles of a text document: which of them are headings, titles and lists. A style may stand on another.

use std::collections::HashMap;

use super::super::draft::Draft;
use super::super::package::Package;
use super::super::xml::{self, Piece, Tag};
use super::super::{Format, relations};
use crate::KnowledgeError;

/// How far a style is followed to those it stands on.
const DEEPEST: usize = 10;

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    numbered: bool,
}

/// The styles of one document, by their ids.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(package: &mut Package<'_>, main: &str, draft: &mut Draft<'_>) -> Result<Self, KnowledgeError> {
        let relations = relations::of_part(package, Format::Docx, main, draft)?;
        let part = relations.into_iter().find(|relation| relation.kind == "styles").map(|relation| relation.target);
        let mut styles = Self::default();
        let Some(text) = package.part(part.as_deref().unwrap_or("word/styles.xml"), draft)? else {
            return Ok(styles);
        };
        let mut id = String::new();
        xml::walk(Format::Docx, &text, |piece| {
            if let Piece::Open(tag) = piece {
                styles.take(&tag, &mut id);
            }
            Ok(())
        })?;
        Ok(styles)
    }

    fn take(&mut self, tag: &Tag<'_>, id: &mut String) {
        if tag.name() == "style" {
            *id = tag.attribute("styleId").unwrap_or_default();
            self.0.insert(id.clone(), Style::default());
        }
        let Some(style) = self.0.get_mut(id.as_str()) else { return };
        match tag.name() {
            "name" => style.name = tag.value().unwrap_or_default().to_lowercase(),
            "basedOn" => style.based_on = tag.value(),
            "outlineLvl" => style.outline = tag.value().and_then(|level| level.parse().ok()),
            "numPr" => style.numbered = true,
            _ => {}
        }
    }

    /// The level of a heading style. Its name is the same in every language of the program, its id is not.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        let by_id = || id.strip_prefix("Heading").and_then(level);
        let known = self.lineage(id).find_map(|style| {
            let by_name = style.name.strip_prefix("heading ").and_then(level);
            by_name.or_else(|| style.outline.filter(|outline| *outline < 9).map(|outline| (outline + 1).min(6)))
        });
        known.or_else(by_id)
    }

    pub(super) fn is_title(&self, id: &str) -> bool {
        id == "Title" || self.lineage(id).any(|style| style.name == "title")
    }

    pub(super) fn is_list(&self, id: &str) -> bool {
        self.lineage(id).any(|style| style.numbered || style.name.starts_with("list "))
    }

    fn lineage(&self, id: &str) -> impl Iterator<Item = &Style> {
        let next = |style: &&Style| style.based_on.as_ref().and_then(|id| self.0.get(id));
        std::iter::successors(self.0.get(id), next).take(DEEPEST)
    }
}

fn level(digits: &str) -> Option<u8> {
    digits.trim().parse::<u8>().ok().filter(|level| *level >= 1).map(|level| level.min(6))
}
