//! Stop strings: the answer ends before the first of them, and no part of one is ever sent.

/// Text that may be sent, and whether a stop string ended the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Released {
    pub(crate) text: String,
    pub(crate) stopped: bool,
}

/// Holds back the longest end of the text that could still become a stop string.
#[derive(Debug, Default)]
pub(crate) struct StopStrings {
    stops: Vec<String>,
    held: String,
}

impl StopStrings {
    /// Empty stop strings are left out: they would end every answer at once.
    pub(crate) fn new(stops: Vec<String>) -> Self {
        Self { stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(), held: String::new() }
    }

    /// Takes in more text and releases what is safe.
    pub(crate) fn push(&mut self, text: &str) -> Released {
        if self.stops.is_empty() {
            return Released { text: text.to_owned(), stopped: false };
        }
        self.held.push_str(text);
        let first = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(place) = first {
            self.held.truncate(place);
            return Released { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = self.stops.iter().map(|stop| longest_overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Released { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// What was held back, once no more text comes.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length in bytes of the longest end of `text` that begins `stop`.
fn longest_overlap(text: &str, stop: &str) -> usize {
    let most = stop.len().saturating_sub(1).min(text.len());
    let lengths = (1..=most).rev().filter(|length| stop.is_char_boundary(*length));
    lengths.into_iter().find(|length| text.ends_with(&stop[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut matcher = StopStrings::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut sent = String::new();
        for piece in pieces {
            let released = matcher.push(piece);
            sent.push_str(&released.text);
            if released.stopped {
                return (sent, true);
            }
        }
        sent.push_str(&matcher.finish());
        (sent, false)
    }

    #[test]
    fn a_stop_string_over_several_pieces_is_never_sent() {
        assert_eq!(run(&["END"], &["abcE", "N", "Dxyz"]), ("abc".to_owned(), true));
        assert_eq!(run(&["END"], &["abE", "Nx"]), ("abENx".to_owned(), false));
    }

    #[test]
    fn the_earliest_of_several_ends_it() {
        assert_eq!(run(&["world", "lo w"], &["hello world"]), ("hel".to_owned(), true));
    }

    proptest! {
        #[test]
        fn equals_a_search_in_the_whole_text(
            pieces in prop::collection::vec("[abä]{0,3}", 0..8),
            stops in prop::collection::vec("[abä]{1,4}", 0..3),
        ) {
            let whole: String = pieces.concat();
            let first = stops.iter().filter_map(|stop| whole.find(stop.as_str())).min();
            let stop_refs: Vec<&str> = stops.iter().map(String::as_str).collect();
            let piece_refs: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (sent, stopped) = run(&stop_refs, &piece_refs);
            prop_assert_eq!(stopped, first.is_some());
            // A stop string that ends later but begins earlier may win only over pieces not yet complete.
            let expected = first.map_or(whole.as_str(), |place| &whole[..place]);
            if stops.len() <= 1 || !stopped {
                prop_assert_eq!(sent, expected);
            } else {
                prop_assert!(whole.starts_with(&sent));
            }
        }
    }
}
