//! The smallest pieces that passages are made of: sentences, items, rows, lines of code and headings.

use std::ops::Range;

use super::ChunkOptions;
use super::places::Span;
use super::segments;
use crate::parse::BlockKind;

/// Headings down to this level begin sections that passages do not cross.
const SECTION_LEVEL: u8 = 2;
/// The longest heading in a path, in code points.
const LONGEST_HEADING: usize = 200;

/// One piece.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) range: Range<usize>,
    pub(super) tokens: usize,
    pub(super) kind: BlockKind,
    pub(super) page: Option<u32>,
    /// Which section it is in.
    pub(super) section: usize,
    /// Which path of headings is above it.
    path: usize,
    /// The piece that names the columns of its table.
    pub(super) columns: Option<usize>,
}

/// All pieces of a text, and the headings above them.
pub(super) struct Outline {
    pub(super) units: Vec<Unit>,
    /// The tokens of each section.
    pub(super) section_tokens: Vec<usize>,
    paths: Vec<Vec<String>>,
}

/// Where the walk along the blocks is.
struct Walk {
    open: Vec<(u8, String)>,
    section: usize,
    columns: Option<usize>,
}

impl Outline {
    pub(super) fn of(text: &str, spans: &[Span], options: &ChunkOptions, count_tokens: &dyn Fn(&str) -> usize) -> Self {
        let mut outline = Self { units: Vec::new(), section_tokens: vec![0], paths: vec![Vec::new()] };
        let mut walk = Walk { open: Vec::new(), section: 0, columns: None };
        for span in spans {
            outline.enter(span, &mut walk);
            let first = outline.units.len();
            for range in cut(text, span, options, count_tokens) {
                let tokens = count_tokens(text.get(range.clone()).unwrap_or_default());
                outline.add(range, tokens, span, &walk);
            }
            let whole = outline.units.len() == first + 1;
            match span.kind {
                BlockKind::Heading(level) => outline.descend(text, span, level, &mut walk),
                BlockKind::TableHeader => walk.columns = whole.then_some(first),
                BlockKind::TableRow => {}
                _ => walk.columns = None,
            }
        }
        outline
    }

    /// A heading ends what is below the level it has.
    fn enter(&mut self, span: &Span, walk: &mut Walk) {
        let BlockKind::Heading(level) = span.kind else { return };
        let before = walk.open.len();
        walk.open.retain(|(above, _)| *above < level);
        if walk.open.len() != before {
            self.paths.push(walk.open.iter().map(|(_, heading)| heading.clone()).collect());
        }
        if level <= SECTION_LEVEL {
            walk.section += 1;
            self.section_tokens.push(0);
        }
    }

    fn add(&mut self, range: Range<usize>, tokens: usize, span: &Span, walk: &Walk) {
        if let Some(sum) = self.section_tokens.last_mut() {
            *sum += tokens;
        }
        self.units.push(Unit {
            range,
            tokens,
            kind: span.kind,
            page: span.page,
            section: walk.section,
            path: self.paths.len() - 1,
            columns: walk.columns.filter(|_| span.kind == BlockKind::TableRow),
        });
    }

    fn descend(&mut self, text: &str, span: &Span, level: u8, walk: &mut Walk) {
        let words = text.get(span.range.clone()).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        walk.open.push((level, words.chars().take(LONGEST_HEADING).collect()));
        walk.columns = None;
        self.paths.push(walk.open.iter().map(|(_, heading)| heading.clone()).collect());
    }

    /// The bytes from the first of some pieces to the last.
    pub(super) fn range(&self, units: &Range<usize>) -> Range<usize> {
        let units = self.units.get(units.clone()).unwrap_or_default();
        let (first, last) = (units.first(), units.last());
        first.map_or(0, |unit| unit.range.start)..last.map_or(0, |unit| unit.range.end)
    }

    /// The headings above all of some pieces.
    pub(super) fn headings(&self, units: &Range<usize>) -> Vec<String> {
        let mut paths = self.units.get(units.clone()).unwrap_or_default().iter().map(|unit| self.paths.get(unit.path));
        let Some(Some(first)) = paths.next() else { return Vec::new() };
        let shared = |path: Option<&Vec<String>>| {
            path.map_or(0, |path| first.iter().zip(path).take_while(|(one, other)| one == other).count())
        };
        let depth = paths.map(shared).min().unwrap_or(first.len());
        first.iter().take(depth).cloned().collect()
    }
}

/// The pieces of one block, each within the maximum.
fn cut(text: &str, span: &Span, options: &ChunkOptions, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Range<usize>> {
    let block = text.get(span.range.clone()).unwrap_or_default();
    let whole = || segments::trimmed(block, 0..block.len()).into_iter().collect::<Vec<_>>();
    let parts = match span.kind {
        BlockKind::Paragraph => segments::sentences(block),
        BlockKind::Code => segments::lines(block),
        BlockKind::TableHeader | BlockKind::TableRow => whole(),
        BlockKind::Heading(_) | BlockKind::ListItem if count_tokens(block) > options.target_tokens => {
            segments::sentences(block)
        }
        BlockKind::Heading(_) | BlockKind::ListItem => whole(),
    };
    let mut units = Vec::with_capacity(parts.len());
    for part in parts {
        let piece = block.get(part.clone()).unwrap_or_default();
        let from = span.range.start + part.start;
        if count_tokens(piece) <= options.max_tokens {
            units.push(from..from + piece.len());
        } else {
            let pieces = segments::pieces(piece, options.max_tokens, count_tokens);
            units.extend(pieces.into_iter().map(|range| from + range.start..from + range.end));
        }
    }
    units
}
