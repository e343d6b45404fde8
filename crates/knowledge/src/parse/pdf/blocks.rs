//! Lines to blocks: what is larger than most text is a heading, what stands apart is a paragraph of its own.

use std::collections::{BTreeSet, HashMap};

use super::super::document::BlockKind;
use super::super::draft::Draft;
use super::lines::Line;
use super::rows::{self, Piece};
use crate::KnowledgeError;

/// How much larger than most text a heading is.
const LARGER: f64 = 1.12;
/// The longest heading, in code points.
const LONGEST_HEADING: usize = 160;
/// The distance of lines beyond which a paragraph ends, in distances of the lines of a paragraph.
const PARAGRAPH_GAP: f64 = 1.35;
/// Headings of more sizes than this are of the last level.
const DEEPEST: usize = 4;
/// A title takes up so many headings at most.
const MOST_TITLE_LINES: usize = 3;
/// Signs before an item, among them two of Word's symbol font.
const BULLETS: &[char] =
    &['•', '◦', '▪', '▫', '■', '□', '●', '○', '‣', '⁃', '∙', '·', '–', '➢', '➤', '✓', '\u{f0b7}', '\u{f0a7}'];

/// Writes lines as blocks.
pub(super) fn write(lines: &[Line], draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let repeated = running_lines(lines);
    let lines: Vec<&Line> =
        lines.iter().filter(|line| !line.at_edge || !repeated.contains(&place_and_words(line))).collect();
    let pieces = pieces(&lines);
    propose_title(&pieces, draft);
    for piece in rows::gather(pieces) {
        draft.set_page(Some(piece.page));
        draft.push(piece.kind, &piece.text)?;
    }
    draft.set_page(None);
    Ok(())
}

/// Lines that belong together, as one piece each.
fn pieces(lines: &[&Line]) -> Vec<Piece> {
    let style = Style::of(lines);
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(first) = lines.get(start) {
        let kind = style.kind(first);
        let following = lines.get(start..).unwrap_or_default().windows(2);
        let joined = following.take_while(|pair| matches!(pair, [one, next] if style.joins(one, next, kind))).count();
        let end = start + joined + 1;
        pieces.push(piece(kind, first, lines.get(start..end).unwrap_or_default()));
        start = end;
    }
    pieces
}

fn piece(kind: BlockKind, first: &Line, lines: &[&Line]) -> Piece {
    Piece {
        kind,
        text: join(lines),
        page: first.page,
        x: first.x,
        end: lines.iter().map(|line| line.end).fold(first.end, f64::max),
        y: first.y,
        size: first.size,
        upright: first.upright,
    }
}

/// The headings at the very beginning, but for those that are numbered.
fn propose_title(pieces: &[Piece], draft: &mut Draft<'_>) {
    let leading = pieces.iter().take_while(|piece| {
        matches!(piece.kind, BlockKind::Heading(_)) && !piece.text.starts_with(|sign: char| sign.is_numeric())
    });
    let title: Vec<&str> = leading.take(MOST_TITLE_LINES).map(|piece| piece.text.as_str()).collect();
    draft.propose_title(&title.join(" "));
}

/// What is usual in a document.
struct Style {
    size: f64,
    /// From one line of a paragraph to the next, in sizes of the font.
    pitch: f64,
    /// The sizes of headings in tenths of a point, the largest first.
    headings: Vec<i64>,
}

impl Style {
    fn of(lines: &[&Line]) -> Self {
        let mut sizes: HashMap<i64, usize> = HashMap::new();
        for line in lines {
            *sizes.entry(tenths(line.size)).or_default() += line.text.len();
        }
        let most = sizes.into_iter().max_by_key(|(size, count)| (*count, *size)).map_or(100, |(size, _)| size);
        #[expect(clippy::cast_precision_loss, reason = "sizes are below a million points")]
        let size = most as f64 / 10.0;
        let larger = lines.iter().filter(|line| is_heading_text(line) && line.size >= size * LARGER);
        let sizes: BTreeSet<i64> = larger.map(|line| tenths(line.size)).collect();
        Self { size, pitch: pitch(lines, size), headings: sizes.into_iter().rev().take(DEEPEST).collect() }
    }

    fn kind(&self, line: &Line) -> BlockKind {
        if is_item(&line.text) {
            return BlockKind::ListItem;
        }
        if !is_heading_text(line) {
            return BlockKind::Paragraph;
        }
        let level = |place: usize| BlockKind::Heading(u8::try_from(place + 1).unwrap_or(6));
        if line.size >= self.size * LARGER {
            let place = self.headings.iter().position(|size| *size == tenths(line.size));
            return level(place.unwrap_or(DEEPEST - 1));
        }
        let ends_open = !line.text.ends_with(['.', ',', ';', '。', '،', '؟', '!', '?']);
        if line.bold && ends_open && line.size >= self.size * 0.95 {
            level(self.headings.len())
        } else {
            BlockKind::Paragraph
        }
    }

    /// Whether a line goes on where another ends.
    fn joins(&self, one: &Line, next: &Line, kind: BlockKind) -> bool {
        let down = next.y - one.y;
        let alike = tenths(one.size).abs_diff(tenths(next.size)) <= 5 && one.upright == next.upright;
        // A word in bold may fill a line of a paragraph, and a heading is bold to its end.
        let as_bold = !matches!(kind, BlockKind::Heading(_)) || one.bold == next.bold;
        let near = down > 0.0 && down <= PARAGRAPH_GAP * self.pitch * one.size;
        let beside = next.x < one.end && one.x < next.end;
        let next_kind = self.kind(next);
        let goes_on = match (kind, next_kind) {
            (BlockKind::Heading(one), BlockKind::Heading(next)) => one == next,
            (_, BlockKind::ListItem | BlockKind::Heading(_)) | (BlockKind::Heading(_), _) => false,
            _ => true,
        };
        // Cells side by side are a row of their own.
        let flowing = !one.text.contains('\t') && !next.text.contains('\t');
        one.page == next.page && alike && as_bold && near && beside && goes_on && flowing
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sizes are below a million points")]
fn tenths(size: f64) -> i64 {
    (size * 10.0).round() as i64
}

/// The usual distance of lines, in sizes of the font.
fn pitch(lines: &[&Line], size: f64) -> f64 {
    let mut distances: Vec<f64> = lines
        .windows(2)
        .filter_map(|pair| match pair {
            [one, next] if tenths(one.size) == tenths(size) && tenths(next.size) == tenths(size) => {
                Some((next.y - one.y) / size)
            }
            _ => None,
        })
        .filter(|distance| (0.8..2.6).contains(distance))
        .collect();
    distances.sort_by(f64::total_cmp);
    // Distances between paragraphs are among them: the lower ones are those within.
    distances.get(distances.len() / 4).copied().unwrap_or(1.2)
}

fn is_heading_text(line: &Line) -> bool {
    let has_words = line.text.chars().any(char::is_alphabetic);
    line.upright && has_words && line.text.chars().count() <= LONGEST_HEADING && !line.text.contains('\t')
}

/// Whether a line begins with a bullet, or with a number or letter in the manner of a list.
fn is_item(text: &str) -> bool {
    if text.starts_with(BULLETS) || text.starts_with("- ") || text.starts_with("o ") || text.starts_with("o\t") {
        return true;
    }
    let Some((mark, rest)) = text.split_once(char::is_whitespace) else { return false };
    let bare = mark.trim_start_matches('(').trim_end_matches([')', '.']);
    let closed = mark.ends_with(')');
    let short = !bare.is_empty() && bare.len() <= 4 && bare.chars().all(char::is_alphanumeric);
    closed && short && !rest.trim().is_empty()
}

/// The text of the lines of one block. Scripts without spaces have none at line ends either.
fn join(lines: &[&Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let (last, first) = (text.chars().next_back(), line.text.chars().next());
        let close = match (last, first) {
            (Some(last), Some(first)) => last == '-' || is_unspaced(last) && is_unspaced(first),
            _ => true,
        };
        if last == Some('\u{ad}') {
            text.pop();
        } else if !close {
            text.push(' ');
        }
        text.push_str(&line.text);
    }
    text
}

const fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3000}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff65}' | '\u{20000}'..='\u{3ffff}')
}

/// Where a line stands from the top in steps of two points, and its words with all digits alike.
fn place_and_words(line: &Line) -> (i64, String) {
    let words = line.text.chars().map(|letter| if letter.is_numeric() { '0' } else { letter });
    let mut words: String = words.collect();
    while words.contains("00") {
        words = words.replace("00", "0");
    }
    (tenths(line.y) / 20, words)
}

/// Lines that most pages repeat at the same place at their edges: running heads, page numbers.
fn running_lines(lines: &[Line]) -> BTreeSet<(i64, String)> {
    let pages: BTreeSet<u32> = lines.iter().map(|line| line.page).collect();
    let mut found: HashMap<(i64, String), BTreeSet<u32>> = HashMap::new();
    for line in lines.iter().filter(|line| line.at_edge) {
        found.entry(place_and_words(line)).or_default().insert(line.page);
    }
    let repeated = found.into_iter().filter(|(_, on)| on.len() >= 3 && on.len() * 5 >= pages.len() * 3);
    repeated.map(|(line, _)| line).collect()
}
