//! What each person was shown: marks under a key, no words.

use access::{Remembered, ShownText};
use domain::Principal;

use crate::database::{Insert, json, values};
use crate::error::StoreError;
use crate::store::Store;

/// So many texts may be kept beyond what there is room for, before the oldest go.
const SPARE: i64 = 64;

static INSERT: Insert = Insert::new("INSERT INTO shown (principal, position, weight, body) VALUES", 4);

impl Store {
    /// What somebody was shown, the oldest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn shown_to(&self, principal: Principal) -> Result<Vec<ShownText>, StoreError> {
        let select = "SELECT body FROM shown WHERE principal = $1 ORDER BY position";
        let rows = self.database().fetch_all((select, values![principal])).await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    /// Keeps what somebody is shown now. Of all that is kept for them the newest stay: those of this weight together, and a few
    /// more. Nothing is kept of who was erased.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn add_shown(&self, principal: Principal, texts: &[Remembered], most: usize) -> Result<(), StoreError> {
        const LAST: &str = "SELECT COALESCE(MAX(position), 0) AS last FROM shown WHERE principal = $1";
        const MOVE: &str = "DELETE FROM shown WHERE principal = $1 AND body = $2";
        const CUT: &str = "DELETE FROM shown WHERE principal = $1 AND position IN (SELECT position FROM \
            (SELECT position, SUM(weight) OVER (ORDER BY position DESC) AS newer FROM shown WHERE principal = $1) AS summed \
            WHERE newer > $2)";
        let mut writing = self.database().write().await?;
        if self.refuses_records_of(principal) {
            return writing.commit().await;
        }
        let last = writing.fetch_all((LAST, values![principal])).await?;
        let last = last.first().map_or(Ok(0), |row| row.number("last"))?;
        let (mut rows, mut position) = (Vec::new(), last);
        for text in texts {
            let (Remembered::New(new) | Remembered::Moved(new)) = text else { continue };
            let body = json(new)?;
            if matches!(text, Remembered::Moved(_)) {
                writing.execute((MOVE, values![principal, body.clone()])).await?;
            }
            position += 1;
            rows.push(values![principal, position, new.weight() as u64, body]);
        }
        INSERT.run(&mut writing, &rows).await?;
        if last / SPARE != position / SPARE {
            writing.execute((CUT, values![principal, most as u64])).await?;
        }
        writing.commit().await
    }
}
