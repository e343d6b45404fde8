//! Markdown: CommonMark with tables, footnotes and a title in front matter.

use pulldown_cmark::{CodeBlockKind, Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::document::BlockKind;
use super::draft::Draft;
use super::format::Declared;
use super::{decode, html};
use crate::KnowledgeError;

/// Reads Markdown.
pub(super) fn read(bytes: &[u8], declared: &Declared, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let text = decode::text(bytes, declared.charset(), draft);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reading = Reading { draft, kind: BlockKind::Paragraph, text: String::new(), cells: Vec::new() };
    for event in Parser::new_ext(&text, options) {
        reading.step(event)?;
    }
    reading.end_block()
}

struct Reading<'d, 'l> {
    draft: &'d mut Draft<'l>,
    kind: BlockKind,
    text: String,
    cells: Vec<String>,
}

impl Reading<'_, '_> {
    fn step(&mut self, event: Event<'_>) -> Result<(), KnowledgeError> {
        match event {
            Event::Start(tag) => return self.begin(&tag),
            Event::End(tag) => return self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text.push_str(&text);
            }
            Event::Html(html) => self.text.push_str(&html),
            Event::SoftBreak => self.text.push(if self.kind.is_row() { ' ' } else { '\n' }),
            Event::HardBreak => self.text.push('\n'),
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
            Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::Rule => {}
        }
        Ok(())
    }

    fn begin(&mut self, tag: &Tag<'_>) -> Result<(), KnowledgeError> {
        let kind = match tag {
            Tag::Heading { level, .. } => BlockKind::Heading(*level as u8),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => BlockKind::Code,
            Tag::Item => BlockKind::ListItem,
            // A paragraph inside an item is the item.
            Tag::Paragraph if self.kind == BlockKind::ListItem && self.text.is_empty() => return Ok(()),
            Tag::Paragraph | Tag::HtmlBlock | Tag::MetadataBlock(_) | Tag::FootnoteDefinition(_) => {
                BlockKind::Paragraph
            }
            Tag::TableHead => BlockKind::TableHeader,
            Tag::TableRow => BlockKind::TableRow,
            _ => return Ok(()),
        };
        self.end_block()?;
        self.kind = kind;
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), KnowledgeError> {
        match tag {
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                self.cells.push(cell.trim().to_owned());
                Ok(())
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                self.text = std::mem::take(&mut self.cells).join(" | ");
                self.end_block()
            }
            TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.text);
                html::fragment(&html, self.draft)
            }
            TagEnd::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle) => {
                let front_matter = std::mem::take(&mut self.text);
                front_matter.lines().filter_map(|line| line.strip_prefix("title:")).for_each(|title| {
                    self.draft.propose_title(title.trim().trim_matches(['"', '\'']));
                });
                Ok(())
            }
            TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::Item => self.end_block(),
            _ => Ok(()),
        }
    }

    fn end_block(&mut self) -> Result<(), KnowledgeError> {
        let text = std::mem::take(&mut self.text);
        if self.kind == BlockKind::Heading(1) {
            self.draft.propose_title(&text);
        }
        self.draft.push(std::mem::replace(&mut self.kind, BlockKind::Paragraph), &text)
    }
}
