//! In which language a text is, by the trigrams and letters that are frequent in it.

use serde::{Deserialize, Serialize};

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
    let found = whatlang::detect(text.get(..end)?)?;
    Some(Language { code: found.lang().code().to_owned(), reliable: found.is_reliable() })
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
}
