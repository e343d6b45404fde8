//! Text to the words by which it is found. The same text gives the same words in every language and on every machine.
//! INVARIANT: a word has no white space and no colon in it, and is never empty.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::letters::{fold, is_dense, is_invisible, is_of_word, lower};

/// A longer run of letters is cut: sequences and encoded files are no words.
const MAX_WORD_CHARS: usize = 64;
/// A longer compound has its parts only.
const MAX_COMPOUND_CHARS: usize = 128;

/// One word of a text or of a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Word {
    /// As it is looked up.
    pub(super) folded: String,
    /// In lower case with its accents, where it may be inflected: nothing but letters, and of a script with spaces.
    pub(super) spelled: Option<String>,
}

/// Hands over the words of a text in their order. Identifiers, numbers and compounds come in parts and as a whole; runs
/// of scripts without spaces come as overlapping pairs of letters, and a single letter as itself.
pub(super) fn words(text: &str, found: &mut dyn FnMut(Word)) {
    let text = normal(text);
    let mut compound = String::new();
    let mut letters = text.chars().filter(|letter| !is_invisible(*letter)).peekable();
    while let Some(letter) = letters.next() {
        if is_of_word(letter) {
            compound.push(letter);
            continue;
        }
        let between = compound.chars().next_back().is_some() && letters.peek().is_some_and(|next| is_of_word(*next));
        if between && joins(letter, &compound, letters.peek().copied()) {
            compound.push(letter);
            continue;
        }
        let suffix = symbols_after(letter, &mut letters, &compound);
        take_apart(&compound, found);
        if let Some(suffix) = suffix {
            found(Word { folded: fold(&lower(&compound)) + &suffix, spelled: None });
        }
        compound.clear();
    }
    take_apart(&compound, found);
}

/// The text in the compatibility form of Unicode (NFKC), copied only where it is not.
fn normal(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().collect())
}

/// Whether a character between two letters or digits makes them one: `foo_bar`, `INV-2024-001`, `1,000`.
fn joins(letter: char, before: &str, next: Option<char>) -> bool {
    match letter {
        '-' | '\u{2010}' | '_' | '.' | '@' | '&' | '\'' | '\u{2019}' | '\u{02BC}' | '\u{00B7}' => true,
        ',' => before.ends_with(|letter: char| letter.is_numeric()) && next.is_some_and(char::is_numeric),
        _ => false,
    }
}

/// `C++`, `C#`: signs right after a short name and before no other letter.
fn symbols_after(
    first: char,
    letters: &mut std::iter::Peekable<impl Iterator<Item = char>>,
    name: &str,
) -> Option<String> {
    let short = (1..=2).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !short || !matches!(first, '+' | '#') {
        return None;
    }
    let mut suffix = String::from(first);
    while suffix.len() < 3 && letters.peek() == Some(&first) {
        suffix.extend(letters.next());
    }
    let ends = letters.peek().is_none_or(|next| !is_of_word(*next));
    (ends && suffix != "+").then_some(suffix)
}

const fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '\u{2019}' | '\u{02BC}')
}

fn take_apart(compound: &str, found: &mut dyn FnMut(Word)) {
    if compound.is_empty() {
        return;
    }
    let is_joint = |letter: char| !is_of_word(letter);
    let elided = compound.contains(is_apostrophe);
    for part in compound.split(is_joint) {
        // The l of l'heure and the s of year's say nothing.
        let letter = part.chars().nth(1).is_none() && part.chars().all(char::is_alphabetic);
        if !(elided && letter && !part.contains(is_dense)) {
            take_runs(part, found);
        }
    }
    if compound.contains(is_joint) && compound.chars().count() <= MAX_COMPOUND_CHARS && !compound.contains(is_dense) {
        found(whole(compound));
    }
}

/// The compound as one word: without what joins it, so that `e-mail` is `email`; a decimal number keeps its point.
fn whole(compound: &str) -> Word {
    let lower = lower(compound);
    let is_joint = |letter: char| !is_of_word(letter);
    let number = lower.chars().all(|letter| letter.is_numeric() || matches!(letter, '.' | ',' | '\'' | '\u{2019}'));
    if number && !is_grouped(&lower) {
        return Word { folded: fold(&lower.replace(is_joint, ".")), spelled: None };
    }
    let joined = lower.replace(is_joint, "");
    let inflects = joined.chars().all(char::is_alphabetic) && !lower.contains(['_', '@', '&', '.']);
    Word { folded: fold(&joined), spelled: inflects.then_some(joined) }
}

/// Whether a number is written in groups of thousands, whichever sign parts them.
fn is_grouped(number: &str) -> bool {
    let mut groups = number.split(|letter: char| !letter.is_numeric());
    groups.next().is_some_and(|first| first.chars().count() <= 3) && groups.all(|group| group.chars().count() == 3)
}

/// A part without joints: words of scripts with spaces, and pairs of letters of the others.
fn take_runs(part: &str, found: &mut dyn FnMut(Word)) {
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let dense = is_dense(first);
        // A mark belongs to the letter before it.
        let ends = |letter: char| is_dense(letter) != dense && letter.is_alphanumeric();
        let (run, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        if dense {
            pairs(run, found)
        } else {
            spaced(run, found)
        }
        rest = after;
    }
}

fn spaced(run: &str, found: &mut dyn FnMut(Word)) {
    let mut rest = run;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(MAX_WORD_CHARS).map_or(rest.len(), |(at, _)| at);
        let (word, after) = rest.split_at(end);
        rest = after;
        let lower = lower(word);
        let folded = fold(&lower);
        // A mark or a tatweel alone leaves nothing.
        if !folded.is_empty() {
            let inflects = !lower.contains(char::is_numeric);
            found(Word { folded, spelled: inflects.then_some(lower) });
        }
    }
}

/// Overlapping pairs of letters, each with the marks on it (Manning, Raghavan, Schütze 2008, 2.2.1).
fn pairs(run: &str, found: &mut dyn FnMut(Word)) {
    let run = fold(&lower(run));
    let starts = run.char_indices().filter(|(_, letter)| letter.is_alphanumeric() && !is_attached(*letter));
    let mut starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    starts.push(run.len());
    let piece = |from: usize, to: usize| run.get(from..to).filter(|piece| !piece.is_empty());
    let mut give = |piece: Option<&str>| {
        if let Some(piece) = piece {
            found(Word { folded: piece.to_owned(), spelled: None });
        }
    };
    if let [from, to] = starts[..] {
        return give(piece(from, to));
    }
    starts.windows(3).for_each(|three| give(piece(three[0], three[2])));
}

/// Whether a letter is written on another: vowel signs of Thai, Lao, Burmese and Khmer.
fn is_attached(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> String {
        let mut all = Vec::new();
        words(text, &mut |word| all.push(word.folded));
        all.join(" ")
    }

    #[test]
    fn identifiers_come_whole_and_in_parts() {
        let check = |text: &str, expected: &str| assert_eq!(of(text), expected, "{text}");
        check("The INV-2024-001.", "the inv 2024 001 inv2024001");
        check("foo_bar()", "foo bar foobar");
        check("write to Jane.Doe@example.com, please", "write to jane doe example com janedoeexamplecom please");
        check("1,000,000 and 1.000.000", "1 000 000 1000000 and 1 000 000 1000000");
        check("3.14 or 3,14", "3 14 3.14 or 3 14 3.14");
        check("C++, C# and a+b", "c c++ c c# and a b");
        check("an e-mail", "an e mail email");
        check("l'heure, the year's", "heure lheure the year years");
        check("AT&T", "at t att");
        check("A/B-test", "a b test btest");
    }

    #[test]
    fn scripts_without_spaces_come_as_pairs() {
        let check = |text: &str, expected: &str| assert_eq!(of(text), expected, "{text}");
        check("年假申请", "年假 假申 申请");
        check("水", "水");
        check("東京タワー2024年", "東京 京タ タワ ワー 2024 年");
        check("ｶﾞｲﾄﾞ ＡＢＣ", "ガイ イド abc");
        check("회사는", "회사 사는");
        check("ที่นี่", "ที่นี่");
        check("pre\u{200B}fix in\u{AD}visible \u{202E}abc", "prefix invisible abc");
    }

    proptest! {
        #[test]
        fn any_text_gives_words_that_can_be_kept(text in any::<String>()) {
            words(&text, &mut |word| {
                assert!(!word.folded.is_empty());
                assert!(!word.folded.contains(|letter: char| letter.is_whitespace() || letter == ':'), "{word:?}");
                assert!(word.spelled.is_none_or(|spelled| !spelled.contains(char::is_whitespace)));
            });
        }
    }
}
