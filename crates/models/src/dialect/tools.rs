//! Tool calls in a stream: some servers leave out `index`, give every call the index 0, or repeat the id on every
//! delta. Clients join deltas by `index` and append what repeats, so both are put right here.

use wire::chat::{ToolCallDelta, ToolKind};

/// The calls of one answer so far.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// The index that the server used.
    theirs: u32,
    /// The index that the client sees.
    ours: u32,
    id: String,
    named: bool,
}

impl Calls {
    /// Puts a delta right. `seed` makes ids where the server gives none: the id of the answer.
    pub(crate) fn put_right(&mut self, delta: &mut ToolCallDelta, seed: &str) {
        let id = delta.id.take().filter(|id| !id.is_empty());
        // The newest call under an index is the one that goes on: a missing index reads as 0.
        let known = self.calls.iter_mut().rev().find(|call| call.theirs == delta.index);
        match known {
            Some(call) if id.as_ref().is_none_or(|id| *id == call.id) => go_on(call, delta),
            _ => self.open(delta, id, seed),
        }
    }

    fn open(&mut self, delta: &mut ToolCallDelta, id: Option<String>, seed: &str) {
        let taken = |index: u32| self.calls.iter().any(|call| call.ours == index);
        let next = self.calls.iter().map(|call| call.ours + 1).max().unwrap_or(0);
        let ours = if taken(delta.index) { next } else { delta.index };
        let id = id.unwrap_or_else(|| format!("call_{seed}_{ours}"));
        let named = delta.function.as_ref().is_some_and(|function| function.name.is_some());
        self.calls.push(Call { theirs: delta.index, ours, id: id.clone(), named });
        delta.index = ours;
        delta.id = Some(id);
        delta.kind = Some(ToolKind::Function);
    }
}

fn go_on(call: &mut Call, delta: &mut ToolCallDelta) {
    delta.index = call.ours;
    delta.kind = None;
    if let Some(function) = &mut delta.function {
        if call.named {
            function.name = None;
        }
        call.named |= function.name.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn put_right(deltas: Value) -> Value {
        let mut calls = Calls::default();
        let mut deltas: Vec<ToolCallDelta> = serde_json::from_value(deltas).unwrap();
        for delta in &mut deltas {
            calls.put_right(delta, "x");
        }
        serde_json::to_value(deltas).unwrap()
    }

    #[test]
    fn a_missing_index_is_counted_up() {
        let right = put_right(json!([
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
            {"function": {"arguments": "}"}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
            {"function": {"arguments": "{}"}},
        ]));
        let indices: Vec<_> = right.as_array().unwrap().iter().map(|delta| delta["index"].clone()).collect();
        assert_eq!(indices, [0, 0, 1, 1]);
    }

    #[test]
    fn right_indices_stay_even_when_calls_interleave() {
        let right = put_right(json!([
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
            {"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}},
            {"index": 0, "function": {"arguments": "{}"}},
            {"index": 1, "function": {"arguments": "[]"}},
        ]));
        let indices: Vec<_> = right.as_array().unwrap().iter().map(|delta| delta["index"].clone()).collect();
        assert_eq!(indices, [0, 1, 0, 1]);
    }

    #[test]
    fn what_repeats_is_sent_once_and_a_missing_id_is_made() {
        let right = put_right(json!([
            {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
            {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "}"}},
            {"index": 1, "function": {"name": "g", "arguments": "{}"}},
            {"index": 1, "id": "", "function": {"arguments": ""}},
        ]));
        assert_eq!(
            right,
            json!([
                {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "function": {"arguments": "}"}},
                {"index": 1, "id": "call_x_1", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                {"index": 1, "function": {"arguments": ""}},
            ])
        );
    }
}
