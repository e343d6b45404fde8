//! One transaction for many exchanges: multi-row inserts, spending added up by key and month.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::encode::{CONTENT_COLUMNS, Rows, TRACE_COLUMNS};
use crate::database::{Database, Value, Writing, values};
use crate::error::StoreError;

/// Rows in one INSERT. Powers of two, so that a few prepared statements serve every batch; far below the bind limits
/// of SQLite (32,766) and PostgreSQL (65,535). SQLite finds a numbered parameter by a walk over all of them, so larger
/// statements cost more for each row, not less.
const SIZES: [usize; 5] = [16, 8, 4, 2, 1];

static INSERT_TRACES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let head = "INSERT INTO traces (id, created_at, owner, task, model, outcome, prompt_tokens, completion_tokens, \
        cost_micro_usd, record) VALUES ";
    statements(head, TRACE_COLUMNS)
});

static INSERT_CONTENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let head = "INSERT INTO trace_contents (trace_id, input, output, passages, metadata) VALUES ";
    statements(head, CONTENT_COLUMNS)
});

/// Sums stay at 2^63 - 1 instead of wrapping.
const ADD_SPENDING: &str = "INSERT INTO key_spending (key_id, month_index, micro_usd, tokens, requests) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key_id, month_index) DO UPDATE SET \
    micro_usd = CASE WHEN key_spending.micro_usd > 9223372036854775807 - excluded.micro_usd \
        THEN 9223372036854775807 ELSE key_spending.micro_usd + excluded.micro_usd END, \
    tokens = CASE WHEN key_spending.tokens > 9223372036854775807 - excluded.tokens \
        THEN 9223372036854775807 ELSE key_spending.tokens + excluded.tokens END, \
    requests = key_spending.requests + excluded.requests";

fn statements(head: &str, columns: usize) -> Vec<String> {
    let row = |row: usize| {
        let placeholders: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", placeholders.join(", "))
    };
    SIZES.iter().map(|size| format!("{head}{}", (0..*size).map(row).collect::<Vec<_>>().join(", "))).collect()
}

/// Writes all rows in one transaction, or none.
pub(super) async fn write_all(database: &Database, rows: &[Rows]) -> Result<(), StoreError> {
    let mut writing = database.write().await?;
    insert(&mut writing, &INSERT_TRACES, rows.iter().filter_map(|row| row.trace.as_ref())).await?;
    insert(&mut writing, &INSERT_CONTENTS, rows.iter().filter_map(|row| row.content.as_ref())).await?;
    for statement in spending(rows) {
        writing.execute(statement).await?;
    }
    writing.commit().await
}

/// Writes each row behind a savepoint, so that a bad one fails alone; what is good is durable when this returns.
///
/// # Errors
/// Where the transaction as a whole failed: then no row is there.
pub(super) async fn write_each(database: &Database, rows: &[Rows]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut writing = database.write().await?;
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        writing.execute("SAVEPOINT exchange").await?;
        let result = attempt_one(&mut writing, row).await;
        if let Err(error) = &result {
            if !error.is_of_the_data() {
                return Err(error.clone());
            }
            writing.execute("ROLLBACK TO SAVEPOINT exchange").await?;
        }
        writing.execute("RELEASE SAVEPOINT exchange").await?;
        results.push(result);
    }
    writing.commit().await?;
    Ok(results)
}

async fn attempt_one(writing: &mut Writing, row: &Rows) -> Result<(), StoreError> {
    if let (Some(trace), Some(insert)) = (&row.trace, INSERT_TRACES.last()) {
        writing.attempt((insert.as_str(), trace.clone())).await?;
    }
    if let (Some(content), Some(insert)) = (&row.content, INSERT_CONTENTS.last()) {
        writing.attempt((insert.as_str(), content.clone())).await?;
    }
    for statement in spending(std::slice::from_ref(row)) {
        writing.attempt(statement).await?;
    }
    Ok(())
}

async fn insert<'r>(
    writing: &mut Writing,
    statements: &'static [String],
    rows: impl Iterator<Item = &'r Vec<Value>>,
) -> Result<(), StoreError> {
    let rows: Vec<&Vec<Value>> = rows.collect();
    let mut rest = rows.as_slice();
    for (size, statement) in SIZES.iter().zip(statements) {
        while rest.len() >= *size {
            let (chunk, after) = rest.split_at(*size);
            let values = chunk.iter().flat_map(|row| row.iter().cloned()).collect();
            writing.execute((statement.as_str(), values)).await?;
            rest = after;
        }
    }
    Ok(())
}

fn spending(rows: &[Rows]) -> impl Iterator<Item = (&'static str, Vec<Value>)> {
    let mut sums: BTreeMap<_, (u64, u64, u64)> = BTreeMap::new();
    for spending in rows.iter().filter_map(|row| row.spending.as_ref()) {
        let sum = sums.entry((spending.key, spending.at.month_index())).or_default();
        *sum = (sum.0.saturating_add(spending.micro_usd), sum.1.saturating_add(spending.tokens), sum.2 + 1);
    }
    sums.into_iter().map(|((key, month), (micro_usd, tokens, requests))| {
        (ADD_SPENDING, values![key, month, micro_usd, tokens, requests])
    })
}
