//! The tokens of a sequence with the provenance label of each: what decides whether KV state may be reused.
//!
//! **Invariant:** a prefix is shared only where token ids and labels are equal (docs/access.md, rule 12). Tokens
//! without a label belong to their request alone.

use std::sync::Arc;

use crate::native::Token;

/// Whose a run of tokens is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// Readable by whoever the door gives the same label.
    Shared(Arc<str>),
    /// Of one request alone, by its number.
    Private(u64),
}

/// A run of tokens up to `end` (exclusive) with one label.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    end: usize,
    label: Label,
}

/// Tokens in order, covered by labels without a gap.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    tokens: Vec<Token>,
    spans: Vec<Span>,
}

impl History {
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Adds tokens of one label.
    pub(crate) fn extend(&mut self, tokens: &[Token], label: &Label) {
        if tokens.is_empty() {
            return;
        }
        self.tokens.extend_from_slice(tokens);
        let end = self.tokens.len();
        match self.spans.last_mut() {
            Some(last) if last.label == *label => last.end = end,
            _ => self.spans.push(Span { end, label: label.clone() }),
        }
    }

    /// Adds a generated token. It takes the label of what it answers: whoever may reuse the prefix before it may
    /// read all that it was made from, so the label adds nothing to that check.
    pub(crate) fn push(&mut self, token: Token) {
        self.tokens.push(token);
        if let Some(last) = self.spans.last_mut() {
            last.end = self.tokens.len();
        }
    }

    /// How many tokens from the beginning both have with the same labels.
    pub(crate) fn shared_prefix(&self, other: &Self) -> usize {
        let same = self.tokens.iter().zip(&other.tokens).take_while(|(own, theirs)| own == theirs).count();
        let (mut own, mut theirs) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        let mut covered = 0;
        while let (Some(left), Some(right)) = (own.peek(), theirs.peek()) {
            if covered >= same || left.label != right.label {
                break;
            }
            covered = left.end.min(right.end);
            if left.end == covered {
                own.next();
            }
            if theirs.peek().is_some_and(|right| right.end == covered) {
                theirs.next();
            }
        }
        covered.min(same)
    }

    /// Length of the longest prefix without private tokens: what is worth keeping when the request is over.
    pub(crate) fn shareable(&self) -> usize {
        let shared = self.spans.iter().take_while(|span| matches!(span.label, Label::Shared(_)));
        shared.last().map_or(0, |span| span.end)
    }

    /// Forgets everything from `length` on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.tokens.truncate(length);
        let first_beyond = self.spans.iter().position(|span| span.end >= length);
        if let Some(place) = first_beyond {
            self.spans[place].end = length;
            self.spans.truncate(place + 1);
        }
        self.spans.retain(|span| span.end > 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shared(name: &str) -> Label {
        Label::Shared(name.into())
    }

    fn history(parts: &[(&[Token], Label)]) -> History {
        let mut history = History::default();
        for (tokens, label) in parts {
            history.extend(tokens, label);
        }
        history
    }

    #[test]
    fn a_prefix_needs_equal_tokens_and_labels() {
        let first = history(&[(&[1, 2, 3], shared("task")), (&[4, 5], shared("ada"))]);
        assert_eq!(first.shared_prefix(&first.clone()), 5);
        let other_person = history(&[(&[1, 2, 3], shared("task")), (&[4, 5], shared("bob"))]);
        assert_eq!(first.shared_prefix(&other_person), 3);
        let other_tokens = history(&[(&[1, 9, 3], shared("task"))]);
        assert_eq!(first.shared_prefix(&other_tokens), 1);
        let other_label = history(&[(&[1, 2, 3, 4, 5], shared("other"))]);
        assert_eq!(first.shared_prefix(&other_label), 0);
    }

    #[test]
    fn private_tokens_are_shared_within_their_request_only() {
        let first = history(&[(&[1, 2], Label::Private(1))]);
        assert_eq!(first.shared_prefix(&history(&[(&[1, 2], Label::Private(1))])), 2);
        assert_eq!(first.shared_prefix(&history(&[(&[1, 2], Label::Private(2))])), 0);
        assert_eq!(first.shareable(), 0);
    }

    #[test]
    fn truncate_keeps_labels_in_step() {
        let mut cut = history(&[(&[1, 2, 3], shared("task")), (&[4, 5], Label::Private(1))]);
        assert_eq!(cut.shareable(), 3);
        cut.truncate(4);
        assert_eq!((cut.len(), cut.shareable()), (4, 3));
        cut.truncate(3);
        cut.push(7);
        assert_eq!((cut.len(), cut.shareable()), (4, 4));
        cut.truncate(0);
        assert_eq!((cut.len(), cut.shareable()), (0, 0));
    }

    proptest! {
        #[test]
        fn equals_a_comparison_token_by_token(
            one in prop::collection::vec((0i32..3, 0u8..2), 0..12),
            two in prop::collection::vec((0i32..3, 0u8..2), 0..12),
        ) {
            let build = |parts: &[(i32, u8)]| {
                let mut history = History::default();
                for (token, label) in parts {
                    history.extend(&[*token], &shared(&label.to_string()));
                }
                history
            };
            let expected = one.iter().zip(&two).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(build(&one).shared_prefix(&build(&two)), expected);
        }
    }
}
