//! What each person was shown: marks under a key, no words.

use access::ShownText;
use domain::Principal;

use crate::database::{json, values};
use crate::error::StoreError;
use crate::store::Store;

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

    /// Keeps what somebody is shown now. Of all that is kept for them the newest stay, as many as have this many marks
    /// together.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn add_shown(
        &self,
        principal: Principal,
        texts: &[ShownText],
        most_marks: usize,
    ) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO shown (principal, position, marks, body) VALUES \
            ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM shown WHERE principal = $1), $2, $3)";
        const CUT: &str = "DELETE FROM shown WHERE principal = $1 AND position IN (SELECT position FROM \
            (SELECT position, SUM(marks) OVER (ORDER BY position DESC) AS newest FROM shown WHERE principal = $1) AS summed \
            WHERE newest > $2)";
        let mut writing = self.database().write().await?;
        for text in texts {
            let values = values![principal, text.marks() as u64, json(text)?];
            writing.execute((INSERT, values)).await?;
        }
        writing.execute((CUT, values![principal, most_marks as u64])).await?;
        writing.commit().await
    }
}
