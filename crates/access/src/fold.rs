//! Texts as they read, whatever they are written with: small and wide forms, marks on letters, and characters that show
//! nothing make no difference. Each letter keeps its place in the text.
//!
//! Letters of different scripts that look alike stay different, and so do half-width kana, circled letters, and kana or
//! Hangul that are written in parts.

mod bare;

use std::collections::HashMap;
use std::sync::LazyLock;

/// One character as it reads, and the bytes of the text that it was read from. Two may share a place: `ß` reads `ss`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) what: char,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Between two words.
pub(crate) const GAP: char = ' ';

/// The characters that show something: wide and mathematical forms as the plain ones, digits of all scripts as `0` to
/// `9`, capitals as they are.
pub(crate) fn legible(text: &str) -> impl Iterator<Item = Letter> {
    let shown = text.char_indices().filter(|(_, what)| !is_ignorable(*what));
    shown.map(|(start, what)| Letter { what: plain(what), start, end: start + what.len_utf8() })
}

/// Words alone: small letters without marks and digits, with one [`GAP`] for whatever stands between two of them. White
/// space beside a script that is written without it is nothing.
pub(crate) fn words(text: &str) -> Vec<Letter> {
    let mut words: Vec<Letter> = Vec::with_capacity(text.len());
    let mut between: Option<(Letter, bool)> = None;
    for letter in legible(text) {
        if !letter.what.is_alphanumeric() {
            let white = letter.what.is_whitespace() && between.is_none_or(|(_, white)| white);
            between = Some((between.map_or(letter, |(first, _)| Letter { end: letter.end, ..first }), white));
            continue;
        }
        let last = words.last().map(|last| last.what);
        let beside = |last: char| is_dense(last) || is_dense(letter.what);
        if let (Some((gap, white)), Some(last)) = (between.take(), last)
            && !(white && beside(last))
        {
            words.push(Letter { what: GAP, ..gap });
        }
        push(&mut words, letter);
    }
    words
}

/// Adds a letter as it reads in a word.
fn push(words: &mut Vec<Letter>, letter: Letter) {
    if letter.what.is_ascii() {
        return words.push(Letter { what: letter.what.to_ascii_lowercase(), ..letter });
    }
    for what in letter.what.to_lowercase() {
        match several(what) {
            Some(all) => words.extend(all.chars().map(|what| Letter { what, ..letter })),
            None if is_ignorable(what) => {}
            None => words.push(Letter { what: bare(what), ..letter }),
        }
    }
}

/// Letters that read as several.
const fn several(what: char) -> Option<&'static str> {
    Some(match what {
        'ß' => "ss",
        'æ' | 'ǽ' | 'ǣ' => "ae",
        'œ' => "oe",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        _ => return None,
    })
}

/// A small letter without its marks.
fn bare(what: char) -> char {
    static BARE: LazyLock<HashMap<char, char>> =
        LazyLock::new(|| bare::BARE.iter().flat_map(|(marked, left)| marked.chars().zip(left.chars())).collect());
    BARE.get(&what).copied().unwrap_or(what)
}

/// The plain form of wide and mathematical letters, spaces and digits.
fn plain(what: char) -> char {
    let code = u32::from(what);
    let to = |first: char, offset: u32| char::from_u32(u32::from(first) + offset).unwrap_or(what);
    match code {
        0..0x660 => what,
        0xFF01..=0xFF5E => to('!', code - 0xFF01),
        0x1D400..=0x1D6A3 => match (code - 0x1D400) % 52 {
            capital @ 0..26 => to('A', capital),
            small => to('a', small - 26),
        },
        0x1D7CE..=0x1D7FF => to('0', (code - 0x1D7CE) % 10),
        _ => ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).map_or(what, |zero| to('0', code - zero)),
    }
}

/// The digits zero of scripts that have their own, each followed by its other nine.
const ZEROS: [u32; 18] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20, 0x1040,
    0x17E0, 0x1810,
];

/// Characters that show nothing of themselves: those that Unicode says may be ignored where they cannot be shown
/// (Default_Ignorable_Code_Point), controls but white space, and marks that are written over, under or into letters.
pub(crate) fn is_ignorable(what: char) -> bool {
    match u32::from(what) {
        0x20..0x7F | 0x9 | 0xA | 0xB | 0xC | 0xD | 0x85 => false,
        0..0x20 | 0x7F..0xA0 | 0xAD => true,
        code => MARKS.iter().chain(&HIDDEN).any(|(first, last)| (*first..=*last).contains(&code)),
    }
}

/// Marks: combining diacritics; points and cantillation of Hebrew; vowel signs of Arabic, and its tatweel.
const MARKS: [(u32, u32); 16] = [
    (0x300, 0x36F),
    (0x591, 0x5BD),
    (0x5BF, 0x5BF),
    (0x5C1, 0x5C2),
    (0x5C4, 0x5C5),
    (0x5C7, 0x5C7),
    (0x640, 0x640),
    (0x64B, 0x65F),
    (0x670, 0x670),
    (0x6D6, 0x6DC),
    (0x6DF, 0x6E8),
    (0x6EA, 0x6ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
];

/// Joiners, marks of direction, selectors of variants, fillers, tags.
const HIDDEN: [(u32, u32); 15] = [
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1_BCA0, 0x1_BCA3),
    (0x1_D173, 0x1_D17A),
    (0xE_0000, 0xE_0FFF),
];

/// Whether a letter says about as much as two of an alphabet: ideographs, kana, Hangul. White space beside one of them is
/// a matter of layout.
pub(crate) const fn is_dense(what: char) -> bool {
    matches!(
        what as u32,
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF
            | 0xFF66..=0xFF9F | 0x2_0000..=0x3_FFFF
    )
}

/// Whether words of its script are not set apart, or carry what belongs to their neighbours: the dense ones, Thai, Lao,
/// Tibetan, Burmese, Khmer.
pub(crate) const fn is_unspaced(what: char) -> bool {
    is_dense(what) || matches!(what as u32, 0xE00..=0xFFF | 0x1000..=0x109F | 0x1780..=0x17FF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> String {
        words(text).iter().map(|letter| letter.what).collect()
    }

    #[test]
    fn a_text_reads_the_same_whatever_it_is_written_with() {
        for (text, expected) in [
            ("  Mu\u{308}ller,\n\tM\u{AD}ÜL\u{200B}LER ", "muller muller"),
            ("ＦＡＬＣＯＮ－１７", "falcon 17"),
            ("𝐅𝐚𝐥𝐜𝐨𝐧 𝟏𝟕", "falcon 17"),
            ("STRASSE straße ﬁne Łódź İZMİR ΟΔΟΣ", "strasse strasse fine lodz izmir οδοσ"),
            ("山\n田 太郎。次 of 7", "山田太郎 次of 7"),
            ("مُحَمَّد أحمـد ٤٢", "محمد احمد 42"),
            ("й ё и\u{306}", "и е и"),
            ("\u{202E}...\u{E0041}", ""),
        ] {
            assert_eq!(reads(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_letter_keeps_its_place() {
        let text = "a\u{200B} Straße";
        let of = |index: usize| words(text).get(index).map(|letter| &text[letter.start..letter.end]);
        assert_eq!((of(0), of(1), of(6), of(7), of(8)), (Some("a"), Some(" "), Some("ß"), Some("ß"), Some("e")));
    }

    #[test]
    fn the_table_of_bare_letters_has_one_for_each() {
        for (marked, left) in bare::BARE {
            assert_eq!(marked.chars().count(), left.chars().count());
            assert!(marked.chars().chain(left.chars()).all(|letter| letter.to_lowercase().eq([letter])));
        }
    }
}
