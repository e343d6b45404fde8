//! One transaction for many exchanges: multi-row inserts, spending added up by key and month.

use std::collections::BTreeMap;

use super::encode::Rows;
use crate::contents::Contents;
use crate::database::{Database, Insert, Sql, Value, Writing, values};
use crate::decisions::INSERT_DECISIONS;
use crate::error::StoreError;
use crate::responses::INSERT_RESPONSES;

static INSERT_TRACES: Insert =
    Insert::new("INSERT INTO traces (id, created_at, owner, subject, task, outcome, record, number) VALUES", 8);

/// Sums stay at 2^63 - 1 instead of wrapping.
const ADD_SPENDING: &str = "INSERT INTO key_spending (key_id, month_index, micro_usd, tokens, requests) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key_id, month_index) DO UPDATE SET \
    micro_usd = CASE WHEN key_spending.micro_usd > 9223372036854775807 - excluded.micro_usd \
        THEN 9223372036854775807 ELSE key_spending.micro_usd + excluded.micro_usd END, \
    tokens = CASE WHEN key_spending.tokens > 9223372036854775807 - excluded.tokens \
        THEN 9223372036854775807 ELSE key_spending.tokens + excluded.tokens END, \
    requests = key_spending.requests + excluded.requests";

/// Up to this many exchanges are written at once: so few that the shapes of their transactions are few, and stay
/// prepared.
const FEW: usize = 4;

/// Writes all rows in one transaction, or none.
pub(super) async fn write_all(database: &Database, contents: &Contents, rows: &[Rows]) -> Result<(), StoreError> {
    if rows.len() <= FEW && rows.iter().all(|row| row.items.is_empty()) {
        return database.write_at_once(|| statements(contents, rows)).await;
    }
    let mut writing = database.write().await?;
    for statement in statements(contents, rows) {
        writing.execute(statement).await?;
    }
    for item in rows.iter().flat_map(|row| &row.items) {
        if let Err(error) = item.append(&mut writing, contents).await {
            return Err(writing.abort(error).await);
        }
    }
    writing.commit().await
}

/// All of it but the items of conversations, whose places depend on what is there.
fn statements(contents: &Contents, rows: &[Rows]) -> Vec<Sql> {
    let traces: Vec<&Vec<Value>> = rows.iter().filter_map(|row| row.trace.as_ref()).collect();
    let decisions: Vec<&Vec<Value>> = rows.iter().flat_map(|row| &row.decisions).collect();
    let responses: Vec<&Vec<Value>> = rows.iter().filter_map(|row| row.response.as_ref()).collect();
    let said: Vec<&Vec<Value>> = rows.iter().flat_map(|row| &row.contents).collect();
    let (traces, decisions) = (INSERT_TRACES.of(&traces), INSERT_DECISIONS.of(&decisions));
    let rows_of_tables = [traces, decisions, INSERT_RESPONSES.of(&responses), contents.statements(&said)];
    rows_of_tables.into_iter().flatten().chain(spending(rows).map(Sql::from)).collect()
}

/// Writes each row behind a savepoint, so that a bad one fails alone; what is good is durable when this returns.
///
/// # Errors
/// Where the transaction as a whole failed: then no row is there.
pub(super) async fn write_each(
    database: &Database,
    contents: &Contents,
    rows: &[Rows],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut writing = database.write().await?;
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        writing.execute("SAVEPOINT exchange").await?;
        let result = attempt_one(&mut writing, contents, row).await;
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

async fn attempt_one(writing: &mut Writing, contents: &Contents, row: &Rows) -> Result<(), StoreError> {
    let traces = row.trace.iter().map(|values| (INSERT_TRACES.one(), values));
    let decisions = row.decisions.iter().map(|values| (INSERT_DECISIONS.one(), values));
    let responses = row.response.iter().map(|values| (INSERT_RESPONSES.one(), values));
    let said = row.contents.iter().map(|values| (contents.insert_one(), values));
    for (insert, values) in traces.chain(decisions).chain(responses).chain(said) {
        writing.attempt((insert, values.clone())).await?;
    }
    for item in &row.items {
        item.append(writing, contents).await?;
    }
    for statement in spending(std::slice::from_ref(row)) {
        writing.attempt(statement).await?;
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
