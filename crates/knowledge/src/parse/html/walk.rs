//! The walk along the tags of a page: which text is seen, and to which block it belongs.

use html5gum::emitters::callback::CallbackEvent;

use super::super::document::BlockKind;
use super::super::draft::Draft;
use super::tables::Tables;
use crate::KnowledgeError;

/// Elements whose content is never shown as text.
const UNSEEN: &[&str] = &[
    "script", "style", "template", "noscript", "svg", "math", "object", "iframe", "canvas", "audio", "video", "select",
    "datalist", "noframes", "noembed",
];
/// Elements that end themselves.
const EMPTY: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "ul",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "title",
];
/// Elements that another of their name ends, as their end tags may be left out.
const SIBLINGS: &[&str] = &["p", "li", "dt", "dd", "tr", "td", "th", "option"];

/// A start tag as far as it was read.
#[derive(Default)]
struct StartTag {
    name: String,
    attribute: String,
    hidden: bool,
    alternative: String,
}

/// The walk along the tags.
pub(super) struct Walk<'d, 'l> {
    draft: &'d mut Draft<'l>,
    tag: StartTag,
    kind: BlockKind,
    text: String,
    in_title: bool,
    preformatted: usize,
    /// The element that hides what is inside, and how many of its name are open.
    unseen: Option<(String, usize)>,
    tables: Tables,
}

impl<'d, 'l> Walk<'d, 'l> {
    pub(super) fn new(draft: &'d mut Draft<'l>) -> Self {
        Self {
            draft,
            tag: StartTag::default(),
            kind: BlockKind::Paragraph,
            text: String::new(),
            in_title: false,
            preformatted: 0,
            unseen: None,
            tables: Tables::default(),
        }
    }

    /// Takes one more piece of the page.
    pub(super) fn step(&mut self, event: CallbackEvent<'_>) -> Result<(), KnowledgeError> {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = StartTag { name: lossy(name), ..StartTag::default() };
            }
            CallbackEvent::AttributeName { name } => {
                self.tag.attribute = lossy(name);
                self.tag.hidden |= self.tag.attribute == "hidden";
            }
            CallbackEvent::AttributeValue { value } => self.tag.set(value),
            CallbackEvent::CloseStartTag { self_closing } => return self.open(self_closing),
            CallbackEvent::EndTag { name } => return self.close(&lossy(name)),
            CallbackEvent::String { value } if self.unseen.is_none() => self.add_text(&lossy(value)),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), KnowledgeError> {
        while self.tables.any() {
            self.end_table()?;
        }
        self.end_block()
    }

    fn open(&mut self, self_closing: bool) -> Result<(), KnowledgeError> {
        let tag = std::mem::take(&mut self.tag);
        let name = tag.name.as_str();
        if let Some((hiding, open)) = &mut self.unseen {
            let next = hiding == name || hiding == "p" && BLOCKS.contains(&name);
            if !(next && SIBLINGS.contains(&hiding.as_str())) {
                *open += usize::from(hiding == name);
                return Ok(());
            }
            self.unseen = None;
        }
        if (tag.hidden || UNSEEN.contains(&name)) && !EMPTY.contains(&name) {
            // The slash counts in drawings and formulas only.
            let nothing_inside = self_closing && matches!(name, "svg" | "math");
            self.unseen = (!nothing_inside).then(|| (name.to_owned(), 1));
            return Ok(());
        }
        self.open_seen(name, &tag.alternative)
    }

    fn open_seen(&mut self, name: &str, alternative: &str) -> Result<(), KnowledgeError> {
        match name {
            "table" => {
                self.tables.arrange(self.draft)?;
                self.end_block()?;
                self.tables.begin();
            }
            "tr" => return self.end_row(),
            "td" | "th" => {
                self.end_cell()?;
                self.tables.begin_cell();
            }
            "br" => self.text.push('\n'),
            "img" => self.add_text(&format!(" {alternative} ")),
            _ if BLOCKS.contains(&name) => {
                self.end_block()?;
                self.begin_block(name);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_block(&mut self, name: &str) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes().get(1).map_or(6, |digit| digit - b'0');
                self.kind = BlockKind::Heading(level);
            }
            "li" => self.kind = BlockKind::ListItem,
            "pre" => self.preformatted += 1,
            "title" => self.in_title = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) -> Result<(), KnowledgeError> {
        if let Some((hiding, open)) = &mut self.unseen {
            *open -= usize::from(hiding == name);
            if *open == 0 {
                self.unseen = None;
            }
            return Ok(());
        }
        match name {
            "table" => self.end_table(),
            "tr" => self.end_row(),
            "td" | "th" => self.end_cell(),
            _ if BLOCKS.contains(&name) => {
                self.end_block()?;
                self.preformatted -= usize::from(name == "pre" && self.preformatted > 0);
                if name == "li" || name.starts_with('h') {
                    self.kind = BlockKind::Paragraph;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// White space of the source is one space; that of preformatted text and of `<br>` stays.
    fn add_text(&mut self, piece: &str) {
        if self.preformatted > 0 {
            self.text.push_str(piece);
            return;
        }
        for word in piece.split_inclusive(|character: char| character.is_ascii_whitespace()) {
            let bare = word.trim_end_matches(|character: char| character.is_ascii_whitespace());
            self.text.push_str(bare);
            if bare.len() < word.len() && !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                self.text.push(' ');
            }
        }
    }

    /// Ends the block in the making. In a cell of values, blocks only part words.
    fn end_block(&mut self) -> Result<(), KnowledgeError> {
        if std::mem::take(&mut self.in_title) {
            let title = std::mem::take(&mut self.text);
            self.draft.propose_title(&title);
            return Ok(());
        }
        if self.text.trim().is_empty() {
            // What was begun goes on: an item may hold its text in a paragraph.
            self.text.clear();
            return Ok(());
        }
        if self.tables.in_values() {
            if !matches!(self.kind, BlockKind::Heading(_)) {
                self.add_text(" ");
                return Ok(());
            }
            self.tables.arrange(self.draft)?;
        }
        let text = std::mem::take(&mut self.text);
        let kind = std::mem::replace(&mut self.kind, BlockKind::Paragraph);
        let kind = if self.preformatted > 0 && kind == BlockKind::Paragraph { BlockKind::Code } else { kind };
        self.draft.push(kind, &text)
    }

    fn end_cell(&mut self) -> Result<(), KnowledgeError> {
        if !self.tables.in_values() {
            return self.end_block();
        }
        self.tables.end_cell(&std::mem::take(&mut self.text));
        self.kind = BlockKind::Paragraph;
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), KnowledgeError> {
        self.end_cell()?;
        self.tables.end_row(self.draft)
    }

    fn end_table(&mut self) -> Result<(), KnowledgeError> {
        self.end_row()?;
        self.tables.end();
        Ok(())
    }
}

impl StartTag {
    fn set(&mut self, value: &[u8]) {
        match self.attribute.as_str() {
            "alt" => self.alternative = lossy(value),
            "style" => {
                let style: String = lossy(value).to_ascii_lowercase().split_whitespace().collect();
                self.hidden |= style.contains("display:none") || style.contains("visibility:hidden");
            }
            _ => {}
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
