//! Several segments become one: of each document only what the newest of them says.

use std::sync::Arc;

use super::segment::{Draft, Segment};
use crate::KnowledgeError;

/// Copies what counts of these segments, oldest first, into a draft. Where nothing older is left (`oldest`), what was taken
/// away need not be remembered.
pub(super) fn merge(run: &[Arc<Segment>], oldest: bool, draft: &mut Draft) -> Result<(), KnowledgeError> {
    let mut every: Vec<(u32, usize, u32)> = Vec::with_capacity(run.iter().map(|segment| segment.directory.len()).sum());
    for (age, segment) in run.iter().rev().enumerate() {
        every.extend(segment.directory.slots.iter().zip(0..).map(|(slot, document)| (*slot, age, document)));
    }
    every.sort_unstable();
    every.dedup_by_key(|(slot, ..)| *slot);
    let mut room = Vec::new();
    for (_, age, document) in every {
        let (segment, document) = (&run[run.len() - 1 - age], document as usize);
        if !(oldest && segment.directory.places(document).is_empty()) {
            draft.copy(segment, document, &mut room)?;
        }
    }
    Ok(())
}
