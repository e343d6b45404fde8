//! PDF: the glyphs of each page become lines, and lines become headings, paragraphs and items by their size and place.
//! What is unpacked inside of a PDF is bounded by the memory of the child process, not here.

mod blocks;
mod direction;
mod glyphs;
mod lines;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError};
use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, InterpreterWarning, TransformExt, WarningSinkFn, interpret_page,
    kurbo,
};

use super::Format;
use super::document::Warning;
use super::draft::Draft;
use crate::KnowledgeError;
use glyphs::Glyphs;
use lines::Line;

/// Reads a PDF.
pub(super) fn read(bytes: &[u8], draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(refusal)?;
    draft.limits().check_pages(pdf.pages().len())?;
    if let Some(title) = pdf.metadata().title.as_deref().map(decode).filter(|title| says_something(title)) {
        draft.propose_title(&title);
    }
    let unreadable = Arc::new(AtomicBool::new(false));
    let lines = lines_of(&pdf, &unreadable, draft)?;
    if unreadable.load(Ordering::Relaxed) {
        let reason = "the font does not say which characters its shapes are".to_owned();
        draft.warn(Warning::PartLeftOut { name: "text in some font".to_owned(), reason });
    }
    blocks::write(&lines, draft)
}

fn refusal(error: LoadPdfError) -> KnowledgeError {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm) => {
            KnowledgeError::Encrypted { format: Format::Pdf }
        }
        LoadPdfError::Decryption(_) => KnowledgeError::malformed(Format::Pdf, "its encryption is not in order"),
        LoadPdfError::Invalid => KnowledgeError::malformed(Format::Pdf, "it has no pages that can be found"),
    }
}

/// The lines of all pages. Sets `unreadable` where a font cannot be read.
fn lines_of(pdf: &Pdf, unreadable: &Arc<AtomicBool>, draft: &mut Draft<'_>) -> Result<Vec<Line>, KnowledgeError> {
    let cache = InterpreterCache::new();
    let note = Arc::clone(unreadable);
    let warning_sink: WarningSinkFn = Arc::new(move |warning| {
        note.fetch_or(matches!(warning, InterpreterWarning::UnsupportedFont), Ordering::Relaxed);
    });
    let settings = InterpreterSettings { warning_sink, ..InterpreterSettings::default() };
    let (mut lines, mut unknown) = (Vec::new(), 0);
    let mut room = draft.limits().max_text_chars as usize;
    for (page, number) in pdf.pages().iter().zip(1..) {
        let glyphs = glyphs_of(page, pdf, &cache, settings.clone(), room + 1);
        unknown += glyphs.unknown;
        room = room.checked_sub(glyphs.placed.len()).ok_or_else(|| draft.too_much_text())?;
        let (_, height) = page.render_dimensions();
        lines.extend(lines::of_page(glyphs.placed, lines::Page { number, height: f64::from(height) }));
    }
    if unknown > 0 {
        draft.warn(Warning::InvalidCharacters { count: unknown });
    }
    Ok(lines)
}

fn glyphs_of<'a>(
    page: &Page<'a>,
    pdf: &'a Pdf,
    cache: &InterpreterCache<'a>,
    settings: InterpreterSettings,
    room: usize,
) -> Glyphs {
    let area = page.intersected_crop_box();
    let area = kurbo::Rect::new(area.x0, area.y0, area.x1, area.y1);
    let downwards = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(downwards, area, cache, pdf.xref(), settings);
    let mut glyphs = Glyphs::up_to(room);
    interpret_page(page, &mut context, &mut glyphs);
    glyphs
}

/// Text strings outside of pages are UTF-16 or UTF-8 by their mark, else nearly Latin-1 (ISO 32000, 7.9.2.2).
fn decode(bytes: &[u8]) -> String {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes).unwrap_or((encoding_rs::WINDOWS_1252, 0));
    encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned()
}

/// Programs put their own words where a title was not given.
fn says_something(title: &str) -> bool {
    let title = title.trim().to_lowercase();
    let file_name =
        [".doc", ".docx", ".pdf", ".indd", ".tex", ".dvi", ".qxd", ".rtf"].iter().any(|end| title.ends_with(end));
    !file_name && !title.is_empty() && !title.starts_with("untitled") && !title.starts_with("microsoft word - ")
}
