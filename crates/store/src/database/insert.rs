//! Many rows in few statements.

use std::sync::OnceLock;

use crate::database::{Sql, Value, Writing};
use crate::error::StoreError;

/// Rows in one statement. Powers of two, so that a few prepared statements serve every number of rows; far below the
/// bind limits of SQLite (32,766) and PostgreSQL (65,535). SQLite finds a numbered parameter by a walk over all of
/// them, so that much larger statements cost more for each row, not less.
const SIZES: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// An INSERT into one table, for any number of rows.
#[derive(Debug)]
pub(crate) struct Insert {
    head: &'static str,
    columns: usize,
    statements: OnceLock<[String; SIZES.len()]>,
}

impl Insert {
    /// `head` is all of the statement up to `VALUES`.
    pub(crate) const fn new(head: &'static str, columns: usize) -> Self {
        Self { head, columns, statements: OnceLock::new() }
    }

    /// Inserts rows in their order.
    pub(crate) async fn run<R: AsRef<[Value]>>(
        &'static self,
        writing: &mut Writing,
        rows: &[R],
    ) -> Result<(), StoreError> {
        for statement in self.of(rows) {
            writing.execute(statement).await?;
        }
        Ok(())
    }

    /// The statements that insert rows in their order.
    pub(crate) fn of<R: AsRef<[Value]>>(&'static self, rows: &[R]) -> Vec<Sql> {
        let (mut rest, mut found) = (rows, Vec::new());
        for (size, statement) in SIZES.iter().zip(self.statements()) {
            while rest.len() >= *size {
                let (chunk, after) = rest.split_at(*size);
                let values: Vec<Value> = chunk.iter().flat_map(|row| row.as_ref().iter().cloned()).collect();
                found.push(Sql::from((statement.as_str(), values)));
                rest = after;
            }
        }
        found
    }

    /// The statement for one row.
    pub(crate) fn one(&'static self) -> &'static str {
        self.statements().last().map_or("", String::as_str)
    }

    fn statements(&'static self) -> &'static [String; SIZES.len()] {
        self.statements.get_or_init(|| SIZES.map(|size| self.statement(size)))
    }

    fn statement(&self, rows: usize) -> String {
        let row = |row: usize| {
            let first = row * self.columns + 1;
            let placeholders: Vec<String> = (first..first + self.columns).map(|number| format!("${number}")).collect();
            format!("({})", placeholders.join(", "))
        };
        format!("{} {}", self.head, (0..rows).map(row).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on_from_row_to_row() {
        static INSERT: Insert = Insert::new("INSERT INTO a (b, c) VALUES", 2);
        assert_eq!(INSERT.one(), "INSERT INTO a (b, c) VALUES ($1, $2)");
        assert_eq!(INSERT.statements()[4], "INSERT INTO a (b, c) VALUES ($1, $2), ($3, $4)");
    }
}
