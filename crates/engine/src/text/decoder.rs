//! Bytes to text, character by character: a token may end in the middle of one.

/// Keeps the bytes of an unfinished character until the rest arrives.
#[derive(Debug, Default)]
pub(crate) struct Utf8Decoder {
    pending: Vec<u8>,
}

impl Utf8Decoder {
    /// The whole characters there are now. Bytes that can never become one are replaced by U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.pending.len());
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    rest = after;
                    let Some(length) = error.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[length..];
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// What is left at the end: an unfinished character shows as U+FFFD.
    pub(crate) fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(pieces: &[&[u8]]) -> (String, Vec<usize>) {
        let mut decoder = Utf8Decoder::default();
        let mut text = String::new();
        let mut lengths = Vec::new();
        for piece in pieces {
            let more = decoder.push(piece);
            lengths.push(more.len());
            text.push_str(&more);
        }
        text.push_str(&decoder.finish());
        (text, lengths)
    }

    #[test]
    fn a_character_split_over_tokens_arrives_whole() {
        assert_eq!(whole(&[&[0xf0, 0x9f], &[0x98], &[0x80]]), ("😀".to_owned(), vec![0, 0, 4]));
    }

    #[test]
    fn a_broken_byte_is_replaced_and_the_rest_goes_on() {
        assert_eq!(whole(&[&[0xff, b'a'], &[0xe2, 0x82]]).0, "\u{fffd}a\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_text(text in ".{0,40}", cuts in prop::collection::vec(0usize..200, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            pieces.push(&bytes[start..]);
            prop_assert_eq!(whole(&pieces).0, text);
        }
    }
}
