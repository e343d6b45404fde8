//! sentencepiece's `nmt_nfkc` as a table of code points. The table holds the replacement of single code points;
//! sequences (a letter and its combining accent) are composed first, by NFC, which the full rule does as well.

use unicode_normalization::UnicodeNormalization;

use crate::WeightsError;

/// Replacements of single code points.
#[derive(Debug)]
pub(super) struct Normalizer {
    /// Ascending, with the range of `replacements` that stands for each.
    table: Vec<(char, u32, u32)>,
    replacements: Vec<char>,
}

impl Normalizer {
    pub(super) fn new(code_points: &[u32], lengths: &[u8], replacements: &[u32]) -> Result<Self, WeightsError> {
        let damaged =
            || WeightsError::malformed("the tokenizer's normalisation", "its table is damaged: pull the model again");
        let total: usize = lengths.iter().map(|&length| usize::from(length)).sum();
        if code_points.len() != lengths.len() || total != replacements.len() || !code_points.is_sorted() {
            return Err(damaged());
        }
        let characters = |codes: &[u32]| codes.iter().map(|&code| char::from_u32(code)).collect::<Option<Vec<_>>>();
        let (keys, replacements) = characters(code_points).zip(characters(replacements)).ok_or_else(damaged)?;
        let mut place = 0;
        let ranges = lengths.iter().map(|&length| {
            let start = place;
            place += u32::from(length);
            (start, place)
        });
        let table = keys.into_iter().zip(ranges).map(|(key, (start, end))| (key, start, end)).collect();
        Ok(Self { table, replacements })
    }

    /// The text as words, separated by exactly one space and by nothing at either end.
    pub(super) fn normalize(&self, text: &str) -> String {
        let mut normal = String::with_capacity(text.len() + 16);
        for character in text.nfc() {
            match self.replacement(character) {
                Some(replacement) => replacement.iter().for_each(|&character| push(&mut normal, character)),
                None => push(&mut normal, character),
            }
        }
        normal.truncate(normal.trim_end_matches(' ').len());
        normal
    }

    fn replacement(&self, character: char) -> Option<&[char]> {
        let place = self.table.binary_search_by_key(&character, |&(key, ..)| key).ok()?;
        let &(_, start, end) = self.table.get(place)?;
        self.replacements.get(start as usize..end as usize)
    }
}

/// Appends a character, but no second space, no leading one, and no NUL: that one marks pieces no text may match.
fn push(normal: &mut String, character: char) {
    let is_surplus_space = character == ' ' && (normal.is_empty() || normal.ends_with(' '));
    if !is_surplus_space && character != '\0' {
        normal.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Normalizer {
        // tab -> space, full-width A -> A, soft hyphen -> nothing, ligature fi -> f i, no-break space -> space
        Normalizer::new(&[9, 0xa0, 0xad, 0xfb01, 0xff21], &[1, 1, 0, 2, 1], &[32, 32, 102, 105, 65]).unwrap()
    }

    #[test]
    fn single_code_points_are_replaced_and_spaces_collapse() {
        let check = |text: &str, expected: &str| assert_eq!(sample().normalize(text), expected, "{text:?}");
        check("  a\t\u{a0} b ", "a b");
        check("\u{fb01}n\u{ad}e \u{ff21}", "fine A");
        check("e\u{301}", "é");
        check("\u{1112}\u{1161}\u{11ab}", "한");
        check("a\0b", "ab");
        check(" \t ", "");
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        assert!(Normalizer::new(&[9], &[], &[]).is_err());
        assert!(Normalizer::new(&[9], &[2], &[32]).is_err());
        assert!(Normalizer::new(&[9, 8], &[0, 0], &[]).is_err());
        assert!(Normalizer::new(&[0xd800], &[0], &[]).is_err());
    }

    proptest! {
        #[test]
        fn words_are_separated_by_single_spaces(text in any::<String>()) {
            let normal = sample().normalize(&text);
            prop_assert!(!normal.contains("  ") && !normal.starts_with(' ') && !normal.ends_with(' '));
            let replaced = ['\0', '\t', '\u{ad}', '\u{ff21}'];
            prop_assert!(!normal.contains(replaced));
        }
    }
}
