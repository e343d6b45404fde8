//! One sheet, row by row. Cells that are missing between others leave a gap, so that columns stay in line.

use super::super::document::BlockKind;
use super::super::draft::Draft;
use super::super::package::Package;
use super::super::xml::{self, Piece, Tag};
use super::FORMAT;
use super::number::{self, Shape};
use super::workbook::Workbook;
use crate::KnowledgeError;

/// A wider gap is a new beginning: one value in the last of 16,384 columns is no row of 16,384 cells.
const WIDEST_GAP: usize = 64;

/// Reads a sheet.
pub(super) fn read(
    package: &mut Package<'_>,
    part: &str,
    workbook: &Workbook,
    draft: &mut Draft<'_>,
) -> Result<(), KnowledgeError> {
    let xml = package.main_part(part, draft)?;
    let mut reading =
        Reading { workbook, draft, row: Vec::new(), row_bytes: 0, cell: Cell::default(), has_header: false };
    xml::walk(FORMAT, &xml, |piece| reading.step(piece))
}

#[derive(Default)]
struct Cell {
    column: Option<usize>,
    kind: String,
    style: Option<usize>,
    text: String,
    in_value: bool,
}

struct Reading<'w, 'd, 'l> {
    workbook: &'w Workbook,
    draft: &'d mut Draft<'l>,
    row: Vec<String>,
    row_bytes: usize,
    cell: Cell,
    has_header: bool,
}

impl Reading<'_, '_, '_> {
    fn step(&mut self, piece: Piece<'_>) -> Result<(), KnowledgeError> {
        match piece {
            Piece::Open(tag) => self.open(&tag),
            Piece::Text(text) if self.cell.in_value => self.cell.text.push_str(&text),
            Piece::Close("v" | "t") => self.cell.in_value = false,
            Piece::Close("c") => return self.end_cell(),
            Piece::Close("row") => return self.end_row(),
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "c" => {
                self.cell = Cell {
                    column: tag.attribute("r").and_then(|place| column(&place)),
                    kind: tag.attribute("t").unwrap_or_default(),
                    style: tag.attribute("s").and_then(|style| style.parse().ok()),
                    ..Cell::default()
                };
            }
            "v" => self.cell.in_value = true,
            "t" => self.cell.in_value = self.cell.kind == "inlineStr",
            _ => {}
        }
    }

    fn end_cell(&mut self) -> Result<(), KnowledgeError> {
        let cell = std::mem::take(&mut self.cell);
        let gap = cell.column.unwrap_or(0).saturating_sub(self.row.len());
        let gap = if gap > WIDEST_GAP { 1 } else { gap };
        self.row.extend(std::iter::repeat_n(String::new(), gap));
        let text = self.show(&cell).split_whitespace().collect::<Vec<_>>().join(" ");
        // One long text may stand in every cell of a row, and costs the file a few bytes each time.
        self.row_bytes += text.len();
        self.row.push(text);
        self.draft.check_text_bytes(self.row_bytes)
    }

    fn show(&self, cell: &Cell) -> String {
        match cell.kind.as_str() {
            "s" => {
                let place = cell.text.trim().parse::<usize>().ok();
                place.and_then(|place| self.workbook.texts.get(place)).cloned().unwrap_or_default()
            }
            "b" if cell.text.trim() == "1" => "TRUE".to_owned(),
            "b" => "FALSE".to_owned(),
            "" | "n" => {
                let shape = cell.style.and_then(|style| self.workbook.shapes.get(style)).copied();
                number::show(&cell.text, shape.unwrap_or(Shape::Plain), self.workbook.since_1904)
            }
            _ => cell.text.clone(),
        }
    }

    fn end_row(&mut self) -> Result<(), KnowledgeError> {
        let mut row = std::mem::take(&mut self.row);
        self.row_bytes = 0;
        while row.last().is_some_and(String::is_empty) {
            row.pop();
        }
        if row.is_empty() {
            return Ok(());
        }
        let kind = if self.has_header { BlockKind::TableRow } else { BlockKind::TableHeader };
        self.has_header = true;
        self.draft.push(kind, &row.join(" | "))
    }
}

/// The column of a place such as `AB12`, counted from 0.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number =
        letters.fold(0_usize, |number, letter| number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_in_letters() {
        assert_eq!(
            [column("A1"), column("Z9"), column("AA1"), column("XFD7")],
            [Some(0), Some(25), Some(26), Some(16_383)]
        );
        assert_eq!(column("17"), None);
    }
}
