//! Letters: which are invisible, which belong to scripts without spaces, and what each becomes so that the same word is
//! the same however it was typed.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters that are there and cannot be seen: of no width, of direction, soft hyphens, selectors of a glyph.
pub(super) const fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a character is part of a word: a letter, a digit, or a mark on one.
pub(super) fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || (!letter.is_ascii() && is_combining_mark(letter))
}

/// Whether a letter is of a script that is written without spaces, or (Hangul) with spaces around more than a word: Han,
/// kana, bopomofo, Hangul, Thai, Lao, Burmese, Khmer.
pub(super) fn is_dense(letter: char) -> bool {
    let of_script = matches!(letter,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}' | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}'
        | '\u{3040}'..='\u{312F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{A960}'..='\u{A97F}' | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AA7F}'
        | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{1AFF0}'..='\u{1B16F}'
        | '\u{20000}'..='\u{3FFFF}');
    of_script && digit(letter).is_none()
}

/// Whether a letter is hiragana: what Japanese writes its endings and particles in.
pub(super) const fn is_hiragana(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{309F}')
}

/// Where the decimal digits of a script begin (Unicode, general category Nd, the basic plane).
const ZEROS: &[char] = &[
    '\u{0660}', '\u{06F0}', '\u{07C0}', '\u{0966}', '\u{09E6}', '\u{0A66}', '\u{0AE6}', '\u{0B66}', '\u{0BE6}',
    '\u{0C66}', '\u{0CE6}', '\u{0D66}', '\u{0DE6}', '\u{0E50}', '\u{0ED0}', '\u{0F20}', '\u{1040}', '\u{1090}',
    '\u{17E0}', '\u{1810}', '\u{FF10}',
];

/// The ASCII digit that a digit of another script stands for.
fn digit(letter: char) -> Option<char> {
    if letter.is_ascii() {
        return None;
    }
    let value =
        ZEROS.iter().find_map(|zero| u32::from(letter).checked_sub(u32::from(*zero)).filter(|value| *value < 10));
    value.and_then(|value| char::from_digit(value, 10))
}

/// Marks that may be left out or typed otherwise: accents of Latin, Greek and Cyrillic, vowels of Hebrew and Arabic.
/// Those of other scripts are letters of the word.
const fn is_accent(letter: char) -> bool {
    matches!(letter,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0487}' | '\u{0591}'..='\u{05C7}' | '\u{0610}'..='\u{061A}' | '\u{0640}'
        | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06ED}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// What a letter is taken for that no decomposition of Unicode takes apart.
const fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' | 'ẞ' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ŧ' => "t",
        'þ' => "th",
        'ı' => "i",
        'ŋ' => "n",
        'ς' => "σ",
        'ґ' => "г",
        'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ة' | 'ۀ' | 'ە' => "ه",
        'ک' | 'ڪ' => "ك",
        _ => return None,
    })
}

/// Lower case, as it is stemmed: accents stay, vowel marks of Arabic and Hebrew go.
pub(super) fn lower(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    // The dot above is what is left of a Turkish capital İ.
    let vowel = |letter: char| is_accent(letter) && letter > '\u{0590}';
    word.to_lowercase().chars().filter(|letter| *letter != '\u{0307}' && !vowel(*letter)).collect()
}

/// A word in lower case without its accents, and with the digits and letter forms that everyone can type.
pub(super) fn fold(lower: &str) -> String {
    if lower.is_ascii() {
        return lower.to_owned();
    }
    let mut folded = String::with_capacity(lower.len());
    for letter in lower.nfd().filter(|letter| !is_accent(*letter)) {
        match plain(letter) {
            Some(other) => folded.push_str(other),
            None => folded.push(digit(letter).unwrap_or(letter)),
        }
    }
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_however_it_was_typed() {
        let check = |typed: &str, folded: &str| assert_eq!(fold(&lower(typed)), folded, "{typed}");
        check("STRAẞE", "strasse");
        check("Straße", "strasse");
        check("ŻÓŁĆ", "zolc");
        check("İstanbul", "istanbul");
        check("ΟΔΥΣΣΕΎΣ", "οδυσσευσ");
        check("Ёлка", "елка");
        check("Việt", "viet");
        check("الإجَـازَة", "الاجازه");
        check("مؤسسة", "موسسه");
        check("کتابی", "كتابي");
        check("שָׁלוֹם", "שלום");
        check("٢٠٢٤", "2024");
        check("が", "が");
        check("한국", "한국");
        check("हिन्दी", "हिन्दी");
        check("ที่นี่", "ที่นี่");
    }
}
