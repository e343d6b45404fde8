//! Rows of tables: pieces of text that begin side by side at one height.

use super::super::document::BlockKind;

/// A piece of text at its place on the page, `y` the height of its first line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) kind: BlockKind,
    pub(super) text: String,
    pub(super) page: u32,
    pub(super) x: f64,
    pub(super) end: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) upright: bool,
}

/// The longest cell and the longest row, in bytes: more is a column of text.
const LONGEST_CELL: usize = 800;
const LONGEST_ROW: usize = 4000;

/// Joins the cells of each row. A page draws them one after the other, from left to right or from right to left.
pub(super) fn gather(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut gathered: Vec<Piece> = Vec::new();
    for piece in pieces {
        match gathered.last_mut() {
            Some(row) if is_beside(row, &piece) && (is_row(row) || row.text.len() <= LONGEST_CELL) => {
                row.text = format!("{} | {}", cells(&row.text), cells(&piece.text));
                row.kind = BlockKind::TableRow;
                row.x = row.x.min(piece.x);
                row.end = row.end.max(piece.end);
            }
            _ => gathered.push(piece),
        }
    }
    name_headers(&mut gathered);
    gathered
}

/// Whether a piece is the next cell of a row.
fn is_beside(row: &Piece, piece: &Piece) -> bool {
    let level = (row.y - piece.y).abs() < 0.5 * row.size.max(piece.size) && row.page == piece.page;
    let apart = piece.x > row.end || piece.end < row.x;
    // A bullet stands beside its item.
    let bullet = row.text.chars().count() < 2 && !row.text.chars().all(char::is_alphanumeric);
    let short = row.text.len() <= LONGEST_ROW && piece.text.len() <= LONGEST_CELL;
    level && apart && short && !bullet && row.upright && piece.upright
}

fn is_row(piece: &Piece) -> bool {
    piece.kind == BlockKind::TableRow
}

/// Gaps within a piece part cells as well.
fn cells(text: &str) -> String {
    text.split('\t').map(str::trim).collect::<Vec<_>>().join(" | ")
}

/// The first row of each table names its columns. Text on one line that has gaps is a row where rows are around it.
fn name_headers(pieces: &mut [Piece]) {
    let has_gaps = |piece: &Piece| piece.kind == BlockKind::Paragraph && piece.text.contains('\t');
    let rows: Vec<bool> = pieces.iter().map(|piece| is_row(piece) || has_gaps(piece)).collect();
    for (place, piece) in pieces.iter_mut().enumerate() {
        let before = place.checked_sub(1).and_then(|place| rows.get(place)).copied().unwrap_or(false);
        let after = rows.get(place + 1).copied().unwrap_or(false);
        if is_row(piece) || has_gaps(piece) && (before || after) {
            piece.text = cells(&piece.text);
            piece.kind = if before { BlockKind::TableRow } else { BlockKind::TableHeader };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, x: f64, y: f64) -> Piece {
        let kind = BlockKind::Paragraph;
        Piece { kind, text: text.to_owned(), page: 1, x, end: x + 90.0, y, size: 10.0, upright: true }
    }

    fn rows(pieces: Vec<Piece>) -> Vec<(BlockKind, String)> {
        gather(pieces).into_iter().map(|piece| (piece.kind, piece.text)).collect()
    }

    #[test]
    fn cells_side_by_side_are_a_row() {
        let table = vec![piece("Kind", 0.0, 10.0), piece("Days", 100.0, 10.0), piece("Sick\t10", 0.0, 30.0)];
        let expected = [(BlockKind::TableHeader, "Kind | Days"), (BlockKind::TableRow, "Sick | 10")];
        assert_eq!(rows(table), expected.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn columns_of_text_are_no_row() {
        let column = "words ".repeat(200);
        let page = vec![piece(&column, 0.0, 10.0), piece(&column, 100.0, 10.0)];
        assert!(rows(page).iter().all(|(kind, _)| *kind == BlockKind::Paragraph));
    }

    #[test]
    fn a_bullet_is_no_cell() {
        let item = vec![piece("•", 0.0, 10.0), piece("item", 100.0, 10.0)];
        assert_eq!(rows(item).len(), 2);
    }
}
