//! Where a prompt may be cut between messages.

use serde_json::{Value, json};

use crate::WeightsError;

/// For each cut, the length of the prompt's front that is common with a rendering of the messages before the cut alone.
/// That rendering never saw what follows, so nothing of what follows is in the front. Where the template refuses
/// those messages alone, a constant question stands in for what follows; where it refuses that as well, the cut
/// moves back to the one before.
pub(super) fn ends(
    prompt: &str,
    messages: &[Value],
    cuts: &[usize],
    render: impl Fn(&[Value]) -> Result<String, WeightsError>,
) -> Vec<usize> {
    let mut last = 0;
    let end = |&cut: &usize| {
        let before = messages.get(..cut).unwrap_or(messages);
        let alone = render(before).or_else(|_| {
            let question = json!({"role": "user", "content": "\u{2063}"});
            render(&[before, &[question]].concat())
        });
        // A later cut is never before an earlier one: what comes from fewer messages also comes from more.
        last = alone.map_or(0, |alone| common(prompt, &alone)).max(last);
        last
    };
    cuts.iter().map(end).collect()
}

/// Length of the common beginning of two texts, in bytes of whole characters.
fn common(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    one.floor_char_boundary(same)
}
