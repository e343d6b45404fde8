//! CSV: rows of cells, whatever parts them.

use super::decode;
use super::document::BlockKind;
use super::draft::Draft;
use super::format::{Declared, Format};
use crate::KnowledgeError;

/// How many lines decide about the separator.
const SAMPLE_LINES: usize = 20;

/// Reads a table of separated values.
pub(super) fn read(bytes: &[u8], declared: &Declared, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let text = decode::text(bytes, declared.charset(), draft);
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(separator(&text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut row = csv::StringRecord::new();
    let mut kind = BlockKind::TableHeader;
    let mut line = String::new();
    loop {
        match rows.read_record(&mut row) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(KnowledgeError::malformed(Format::Csv, error)),
        }
        join(&row, &mut line);
        if row.iter().any(|cell| !cell.trim().is_empty()) {
            draft.push(kind, &line)?;
            kind = BlockKind::TableRow;
        }
    }
}

/// The cells of a row on one line.
fn join(row: &csv::StringRecord, line: &mut String) {
    line.clear();
    for (place, cell) in row.iter().enumerate() {
        if place > 0 {
            line.push_str(" | ");
        }
        for (place, word) in cell.split_whitespace().enumerate() {
            if place > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
}

/// What parts the cells: the sign that the first lines have most often outside of quotes, and equally often.
fn separator(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    let count = |line: &str, sign: u8| {
        let unquoted = line.split('"').step_by(2);
        unquoted.map(|piece| piece.bytes().filter(|byte| *byte == sign).count()).sum::<usize>()
    };
    let score = |sign: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| count(line, sign)).collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == first && first > 0).count();
        (alike, counts.iter().sum::<usize>())
    };
    // Of equals the last one wins, and a comma is the usual one.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|sign| score(*sign)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_found() {
        let check = |text: &str, expected: u8| assert_eq!(char::from(separator(text)), char::from(expected), "{text}");
        check("a,b\n1,2", b',');
        check("a;b;c\n1,5;2,5;x\n2,5;3,5;y", b';');
        check("a\tb\n1,2\t3", b'\t');
        check("\"a;b;c\",d\n\"1;2;3\",4", b',');
        check("", b',');
    }
}
