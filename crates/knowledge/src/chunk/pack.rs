//! Which pieces go together into one passage.

use std::ops::Range;

use super::ChunkOptions;
use super::units::{Outline, Unit};
use crate::parse::BlockKind;

/// Sections of less than this part of a passage may share one.
const TINY: usize = 4;
/// The names of columns may take this part of a passage.
const COLUMNS: usize = 2;

/// The pieces of a text on their way into passages.
pub(super) struct Packing<'t> {
    text: &'t str,
    outline: &'t Outline,
    options: &'t ChunkOptions,
    count_tokens: &'t dyn Fn(&str) -> usize,
}

impl<'t> Packing<'t> {
    pub(super) const fn new(
        text: &'t str,
        outline: &'t Outline,
        options: &'t ChunkOptions,
        count_tokens: &'t dyn Fn(&str) -> usize,
    ) -> Self {
        Self { text, outline, options, count_tokens }
    }

    /// The pieces of each passage. They overlap by the sentences that are repeated.
    pub(super) fn passages(&self) -> Vec<Range<usize>> {
        let mut passages: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        while start < self.outline.units.len() {
            let end = self.end(start);
            let earliest = passages.last().map_or(start, |before| before.start + 1);
            passages.push(self.overlapping(earliest, start, end)..end);
            start = end;
        }
        passages
    }

    fn unit(&self, place: usize) -> Option<&Unit> {
        self.outline.units.get(place)
    }

    /// Where the passage that begins with a piece ends.
    fn end(&self, start: usize) -> usize {
        let mut end = start + 1;
        let mut tokens = self.unit(start).map_or(0, |unit| unit.tokens);
        let mut only_headings = self.is_heading(start);
        while let Some(next) = self.unit(end) {
            let sum = tokens + next.tokens;
            let full = if only_headings { sum > self.options.max_tokens } else { sum > self.options.target_tokens };
            let new_topic = self.is_heading(end) && !only_headings && tokens * 2 >= self.options.target_tokens;
            if full || new_topic || self.parts_sections(start, end, tokens) {
                break;
            }
            only_headings &= self.is_heading(end);
            tokens = sum;
            end += 1;
        }
        self.fit(start, end)
    }

    /// Takes back headings that nothing follows, and what is too much once it is counted together.
    fn fit(&self, start: usize, mut end: usize) -> usize {
        let more_follows = end < self.outline.units.len();
        while more_follows && end > start + 1 && self.is_heading(end - 1) && !self.all_headings(start..end) {
            end -= 1;
        }
        while end > start + 1 && !self.fits(start..end) {
            end -= 1;
        }
        end
    }

    fn fits(&self, units: Range<usize>) -> bool {
        let text = self.text.get(self.outline.range(&units)).unwrap_or_default();
        (self.count_tokens)(text) <= self.options.max_tokens
    }

    fn is_heading(&self, place: usize) -> bool {
        self.unit(place).is_some_and(|unit| matches!(unit.kind, BlockKind::Heading(_)))
    }

    fn all_headings(&self, mut units: Range<usize>) -> bool {
        units.all(|place| self.is_heading(place))
    }

    /// Whether a section begins at `next`, and it or what the passage has is more than a few words.
    fn parts_sections(&self, start: usize, next: usize, tokens: usize) -> bool {
        let section = |place: usize| self.unit(place).map(|unit| unit.section);
        if next == start || section(next) == section(next - 1) || self.all_headings(start..next) {
            return false;
        }
        let tiny = self.options.target_tokens / TINY;
        let to_come = section(next).and_then(|section| self.outline.section_tokens.get(section));
        tokens >= tiny || to_come.is_none_or(|tokens| *tokens >= tiny)
    }

    /// Where a passage begins once it repeats the last sentences before it.
    fn overlapping(&self, earliest: usize, start: usize, end: usize) -> usize {
        let section = self.unit(start).map(|unit| unit.section);
        let mut begin = start;
        let mut tokens = 0;
        let running = |place: usize| {
            self.unit(place).filter(|unit| unit.kind == BlockKind::Paragraph && Some(unit.section) == section)
        };
        if running(start).is_none() {
            return start;
        }
        while begin > earliest && start - begin < self.options.overlap_sentences {
            let Some(before) = running(begin - 1) else { break };
            tokens += before.tokens;
            if tokens > self.options.target_tokens / TINY || !self.fits(begin - 1..end) {
                break;
            }
            begin -= 1;
        }
        begin
    }

    /// The names of the columns, for a passage that begins within a table.
    pub(super) fn context(&self, units: &Range<usize>) -> Option<String> {
        let columns = self.unit(self.unit(units.start)?.columns?)?;
        let text = self.text.get(columns.range.clone())?;
        (columns.tokens <= self.options.max_tokens / COLUMNS).then(|| text.to_owned())
    }
}
