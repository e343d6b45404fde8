//! PPTX: slides in their order, each under its title, with tables and the speaker's notes. Hidden slides stay out.

use super::document::{BlockKind, Warning};
use super::draft::Draft;
use super::package::Package;
use super::xml::{self, Piece, Tag};
use super::{Format, relations};
use crate::KnowledgeError;

const FORMAT: Format = Format::Pptx;

/// Reads a presentation.
pub(super) fn read(bytes: &[u8], draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut package = Package::open(bytes, FORMAT, draft.limits())?;
    relations::title(&mut package, FORMAT, draft)?;
    let main = relations::main_part(&mut package, FORMAT, "ppt/presentation.xml", draft)?;
    let slides = slides(&mut package, &main, draft)?;
    draft.limits().check_pages(slides.len())?;
    for (slide, number) in slides.iter().zip(1..) {
        draft.set_page(Some(number));
        if let Err(error) = read_slide(&mut package, slide, number, draft) {
            leave_out(format!("slide {number}"), error, draft)?;
        }
    }
    draft.set_page(None);
    Ok(())
}

/// One damaged part is no reason to give up the others; a limit is.
pub(super) fn leave_out(name: String, error: KnowledgeError, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let KnowledgeError::Malformed { detail, .. } = error else { return Err(error) };
    draft.warn(Warning::PartLeftOut { name, reason: detail });
    Ok(())
}

/// The parts of the slides in the order of the presentation.
fn slides(package: &mut Package<'_>, main: &str, draft: &mut Draft<'_>) -> Result<Vec<String>, KnowledgeError> {
    let relations = relations::of_part(package, FORMAT, main, draft)?;
    let text = package.main_part(main, draft)?;
    let mut slides = Vec::new();
    xml::walk(FORMAT, &text, |piece| {
        if let Piece::Open(tag) = piece
            && tag.name() == "sldId"
            && let Some(id) = tag.prefixed("id")
        {
            slides.extend(relations.iter().find(|relation| relation.id == id).map(|slide| slide.target.clone()));
        }
        Ok(())
    })?;
    Ok(slides)
}

fn read_slide(
    package: &mut Package<'_>,
    slide: &str,
    number: u32,
    draft: &mut Draft<'_>,
) -> Result<(), KnowledgeError> {
    let text = package.main_part(slide, draft)?;
    let mut reading = Reading::new();
    xml::walk(FORMAT, &text, |piece| reading.step(piece))?;
    if reading.hidden {
        draft.warn(Warning::Hidden { name: format!("slide {number}") });
        return Ok(());
    }
    let (title, blocks) = (reading.title, reading.blocks);
    draft.push(BlockKind::Heading(2), &title)?;
    blocks.iter().try_for_each(|(kind, text)| draft.push(*kind, text))?;
    let notes = relations::of_part(package, FORMAT, slide, draft)?;
    let notes = notes.into_iter().find(|relation| relation.kind == "notesSlide");
    match notes.map(|notes| package.part(&notes.target, draft)).transpose()?.flatten() {
        Some(text) => read_notes(&text, draft),
        None => Ok(()),
    }
}

fn read_notes(text: &str, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut reading = Reading::new();
    reading.notes = true;
    xml::walk(FORMAT, text, |piece| reading.step(piece))?;
    let blocks = reading.blocks;
    blocks.iter().try_for_each(|(_, text)| draft.push(BlockKind::Paragraph, text))
}

/// One slide on its way. Its blocks wait, as its title may stand anywhere.
struct Reading {
    title: String,
    blocks: Vec<(BlockKind, String)>,
    hidden: bool,
    /// Of a page of notes, only the notes themselves are new: the rest repeats the slide.
    notes: bool,
    placeholder: Option<String>,
    paragraph: String,
    in_text: bool,
    in_fallback: usize,
    bullet: bool,
    cells: Option<Vec<String>>,
    has_header: bool,
}

impl Reading {
    fn new() -> Self {
        Self {
            title: String::new(),
            blocks: Vec::new(),
            hidden: false,
            notes: false,
            placeholder: None,
            paragraph: String::new(),
            in_text: false,
            in_fallback: 0,
            bullet: false,
            cells: None,
            has_header: false,
        }
    }

    fn step(&mut self, piece: Piece<'_>) -> Result<(), KnowledgeError> {
        match piece {
            Piece::Open(tag) if tag.name() == "Fallback" => self.in_fallback += 1,
            Piece::Close("Fallback") => self.in_fallback = self.in_fallback.saturating_sub(1),
            _ if self.in_fallback > 0 => {}
            Piece::Open(tag) => self.open(&tag),
            Piece::Close(name) => self.close(name),
            Piece::Text(text) if self.in_text => self.paragraph.push_str(&text),
            Piece::Text(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "sld" => self.hidden = tag.attribute("show").is_some_and(|show| show == "0" || show == "false"),
            "sp" | "graphicFrame" => self.placeholder = None,
            "ph" => self.placeholder = Some(tag.attribute("type").unwrap_or_else(|| "body".to_owned())),
            "tbl" => self.has_header = false,
            "tr" => self.cells = Some(Vec::new()),
            "buChar" | "buAutoNum" => self.bullet = true,
            "t" => self.in_text = true,
            "br" => self.paragraph.push('\n'),
            "tab" => self.paragraph.push('\t'),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => self.end_paragraph(),
            "tc" => {
                let cell = std::mem::take(&mut self.paragraph);
                let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
                self.cells.get_or_insert_default().push(cell);
            }
            "tr" => {
                let kind = if self.has_header { BlockKind::TableRow } else { BlockKind::TableHeader };
                let cells = self.cells.take().unwrap_or_default();
                self.has_header = true;
                self.blocks.push((kind, cells.join(" | ")));
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        if self.cells.is_some() {
            self.paragraph.push(' ');
            return;
        }
        let text = std::mem::take(&mut self.paragraph);
        let bullet = std::mem::take(&mut self.bullet);
        match self.placeholder.as_deref() {
            Some("title" | "ctrTitle") => {
                self.title.push_str(&text);
                self.title.push(' ');
            }
            // What every slide repeats.
            Some("dt" | "ftr" | "sldNum" | "hdr" | "sldImg") => {}
            None if self.notes => {}
            Some("body" | "obj") if !self.notes => self.blocks.push((BlockKind::ListItem, text)),
            _ => self.blocks.push((if bullet { BlockKind::ListItem } else { BlockKind::Paragraph }, text)),
        }
    }
}
