//! Tables of a page: those that hold values become rows, those that arrange the page become what they arrange.

use super::super::document::BlockKind;
use super::super::draft::Draft;
use crate::KnowledgeError;

/// One open table: the row in the making, and what it counts as.
#[derive(Default)]
struct Table {
    cells: Vec<String>,
    in_cell: bool,
    has_header: bool,
    /// It arranges a page and holds no values: its cells are blocks like any other.
    arranges: bool,
}

/// The open tables, the outermost first.
#[derive(Default)]
pub(super) struct Tables {
    open: Vec<Table>,
}

impl Tables {
    pub(super) const fn any(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether text goes into a cell that holds a value.
    pub(super) fn in_values(&self) -> bool {
        self.open.last().is_some_and(|table| table.in_cell && !table.arranges)
    }

    pub(super) fn begin(&mut self) {
        self.open.push(Table::default());
    }

    pub(super) fn end(&mut self) {
        self.open.pop();
    }

    /// A table with headings or tables in its cells arranges the page: what its row holds so far becomes paragraphs.
    pub(super) fn arrange(&mut self, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
        let Some(table) = self.open.last_mut() else { return Ok(()) };
        table.arranges = true;
        std::mem::take(&mut table.cells).iter().try_for_each(|cell| draft.push(BlockKind::Paragraph, cell))
    }

    pub(super) fn begin_cell(&mut self) {
        if let Some(table) = self.open.last_mut() {
            table.in_cell = true;
        }
    }

    pub(super) fn end_cell(&mut self, text: &str) {
        if let Some(table) = self.open.last_mut() {
            table.in_cell = false;
            table.cells.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    pub(super) fn end_row(&mut self, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
        let Some(table) = self.open.last_mut() else { return Ok(()) };
        table.in_cell = false;
        let cells = std::mem::take(&mut table.cells);
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        let kind = if table.has_header { BlockKind::TableRow } else { BlockKind::TableHeader };
        table.has_header = true;
        draft.push(kind, &cells.join(" | "))
    }
}
