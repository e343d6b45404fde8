//! In which language a text is, by the trigrams and letters that are frequent in it, and where these do not decide by its
//! frequent words.

use serde::{Deserialize, Serialize};
use whatlang::{Detector, Lang};

use crate::lexical::languages_by_words;

/// Enough to decide; more only takes time.
const SAMPLE_CHARS: usize = 20_000;

/// The language of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// Its code of three letters (ISO 639-3).
    pub code: String,
    /// Whether the text is long and clear enough to rely on it.
    pub reliable: bool,
}

/// The language that most of the beginning of a text is in; none where the text has no letters.
#[must_use]
pub fn detect(text: &str) -> Option<Language> {
    let end = text.char_indices().nth(SAMPLE_CHARS).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end)?;
    let found = whatlang::detect(text)?;
    let lang = if found.is_reliable() { found.lang() } else { among_those_of_its_words(text).unwrap_or(found.lang()) };
    Some(Language { code: lang.code().to_owned(), reliable: found.is_reliable() })
}

/// A few words have hardly any trigrams; those that every sentence needs say more.
fn among_those_of_its_words(text: &str) -> Option<Lang> {
    let languages: Vec<Lang> = languages_by_words(text).into_iter().filter_map(Lang::from_code).collect();
    match languages.as_slice() {
        [] => None,
        [only] => Some(*only),
        _ => Detector::with_allowlist(languages).detect_lang(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        let check = |text: &str, code: &str| assert_eq!(detect(text).unwrap().code, code, "{text}");
        check("Every employee may take twenty-five days of leave in each calendar year.", "eng");
        check("Jede Mitarbeiterin kann in jedem Kalenderjahr fünfundzwanzig Tage Urlaub nehmen.", "deu");
        check("每位员工每年可以休二十五天年假，并应提前两周申请。", "cmn");
        check("従業員は毎年二十五日の休暇を取得することができます。", "jpn");
        check("يحق لكل موظف الحصول على خمسة وعشرين يوما من الإجازة في كل سنة", "ara");
        check("พนักงานทุกคนมีสิทธิลาพักร้อนได้ปีละยี่สิบห้าวัน", "tha");
        assert_eq!(detect("12 + 30 = 42"), None);
    }

    #[test]
    fn questions_of_a_few_words_are_told_apart() {
        let check = |text: &str, code: &str| assert_eq!(detect(text).unwrap().code, code, "{text}");
        check("What discount do our resellers get?", "eng");
        check("What damaged the sensors that Kenji sent back?", "eng");
        check("Wie viel verdient Bastian Kroll ab Januar?", "deu");
        check("Was kostet das Essen?", "deu");
        check("Hoeveel kost het eten?", "nld");
        check("¿Cuánto cuesta la comida?", "spa");
        check("Combien coûte le repas ?", "fra");
        check("V tom, co můžete číst, jsem o tom nic nenašel.", "ces");
    }
}
