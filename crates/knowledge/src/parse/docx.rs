//! DOCX: paragraphs with their styles, lists and tables, then notes. Deleted and hidden text stays out.

mod styles;

use super::document::BlockKind;
use super::draft::Draft;
use super::package::Package;
use super::xml::{self, Piece, Tag};
use super::{Format, relations};
use crate::KnowledgeError;
use styles::Styles;

/// Reads a text document.
pub(super) fn read(bytes: &[u8], draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut package = Package::open(bytes, Format::Docx, draft.limits())?;
    relations::title(&mut package, Format::Docx, draft)?;
    let main = relations::main_part(&mut package, Format::Docx, "word/document.xml", draft)?;
    let styles = Styles::read(&mut package, &main, draft)?;
    let body = package.main_part(&main, draft)?;
    read_part(&body, &styles, draft)?;
    for notes in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(text) = package.part(notes, draft)? {
            read_part(&text, &styles, draft)?;
        }
    }
    Ok(())
}

fn read_part(text: &str, styles: &Styles, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut reading = Reading::new(styles, draft);
    xml::walk(Format::Docx, text, |piece| reading.step(piece))
}

struct Reading<'s, 'd, 'l> {
    styles: &'s Styles,
    draft: &'d mut Draft<'l>,
    kind: BlockKind,
    is_title: bool,
    text: String,
    /// Inside of a run's text, where characters count.
    in_text: bool,
    hidden: bool,
    /// How deep inside of what repeats or replaces other content.
    skipping: usize,
    tables: usize,
    cells: Vec<String>,
    has_header: bool,
}

impl<'s, 'd, 'l> Reading<'s, 'd, 'l> {
    fn new(styles: &'s Styles, draft: &'d mut Draft<'l>) -> Self {
        Self {
            styles,
            draft,
            kind: BlockKind::Paragraph,
            is_title: false,
            text: String::new(),
            in_text: false,
            hidden: false,
            skipping: 0,
            tables: 0,
            cells: Vec::new(),
            has_header: false,
        }
    }

    fn step(&mut self, piece: Piece<'_>) -> Result<(), KnowledgeError> {
        match piece {
            Piece::Open(tag) if self.skipping > 0 || is_skipped(&tag) => {
                self.skipping += usize::from(is_skipped(&tag));
                Ok(())
            }
            Piece::Close(name) if self.skipping > 0 => {
                self.skipping -= usize::from(is_skipped_name(name));
                Ok(())
            }
            Piece::Open(tag) => self.open(&tag),
            Piece::Close(name) => self.close(name),
            Piece::Text(text) => {
                if self.in_text && !self.hidden && self.skipping == 0 {
                    self.text.push_str(&text);
                }
                Ok(())
            }
        }
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), KnowledgeError> {
        match tag.name() {
            "p" => {
                // A text box stands inside of a paragraph: what came before it is a block.
                self.end_paragraph()?;
            }
            "pStyle" => self.style(&tag.value().unwrap_or_default()),
            "outlineLvl" => self.outline(tag.value().as_deref()),
            "numPr" if self.kind == BlockKind::Paragraph => self.kind = BlockKind::ListItem,
            "r" => self.hidden = false,
            "vanish" => self.hidden |= tag.is_on(),
            "t" => self.in_text = true,
            "tab" => self.text.push('\t'),
            "br" | "cr" => self.text.push('\n'),
            "noBreakHyphen" => self.text.push('\u{2011}'),
            "tbl" => {
                self.end_paragraph()?;
                self.tables += 1;
                self.has_header &= self.tables > 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), KnowledgeError> {
        match name {
            "t" => self.in_text = false,
            "p" => return self.end_paragraph(),
            "tbl" => self.tables = self.tables.saturating_sub(1),
            // A table in a cell is part of its text.
            "tc" if self.tables == 1 => {
                let cell = std::mem::take(&mut self.text);
                self.cells.push(cell.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            "tr" if self.tables == 1 => return self.end_row(),
            _ => {}
        }
        Ok(())
    }

    fn style(&mut self, id: &str) {
        self.is_title = self.styles.is_title(id);
        if let Some(level) = self.styles.heading(id) {
            self.kind = BlockKind::Heading(level);
        } else if self.is_title {
            self.kind = BlockKind::Heading(1);
        } else if self.styles.is_list(id) {
            self.kind = BlockKind::ListItem;
        }
    }

    fn outline(&mut self, level: Option<&str>) {
        // Level 9 means body text.
        if let Some(level) = level.and_then(|level| level.parse::<u8>().ok()).filter(|level| *level < 9) {
            self.kind = BlockKind::Heading((level + 1).min(6));
        }
    }

    fn end_paragraph(&mut self) -> Result<(), KnowledgeError> {
        if self.tables > 0 {
            self.text.push(' ');
            self.kind = BlockKind::Paragraph;
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        if std::mem::take(&mut self.is_title) {
            self.draft.propose_title(&text);
        }
        self.draft.push(std::mem::replace(&mut self.kind, BlockKind::Paragraph), &text)
    }

    fn end_row(&mut self) -> Result<(), KnowledgeError> {
        let cells = std::mem::take(&mut self.cells);
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        let kind = if self.has_header { BlockKind::TableRow } else { BlockKind::TableHeader };
        self.has_header = true;
        self.draft.push(kind, &cells.join(" | "))
    }
}

/// What other programs show in place of what stands beside it, and what was moved away or deleted.
fn is_skipped(tag: &Tag<'_>) -> bool {
    is_skipped_name(tag.name())
}

fn is_skipped_name(name: &str) -> bool {
    matches!(name, "Fallback" | "del" | "moveFrom" | "pPrChange" | "rPrChange" | "tabs" | "instrText")
}
