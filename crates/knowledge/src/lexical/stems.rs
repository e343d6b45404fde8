//! Words without their inflections, in the languages for which rules are known (Snowball). A stem carries its language,
//! so that the stems of one language are never taken for those of another.

use tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};

use super::letters::fold;
use super::words::Word;

/// Codes (ISO 639-3) and the rules for each.
const LANGUAGES: &[(&str, Language)] = &[
    ("ara", Language::Arabic),
    ("dan", Language::Danish),
    ("deu", Language::German),
    ("ell", Language::Greek),
    ("eng", Language::English),
    ("fin", Language::Finnish),
    ("fra", Language::French),
    ("hun", Language::Hungarian),
    ("ita", Language::Italian),
    ("nld", Language::Dutch),
    ("nor", Language::Norwegian),
    ("por", Language::Portuguese),
    ("ron", Language::Romanian),
    ("rus", Language::Russian),
    ("spa", Language::Spanish),
    ("swe", Language::Swedish),
    ("tam", Language::Tamil),
    ("tur", Language::Turkish),
];

/// The rules of one language.
pub(super) struct Stems {
    code: &'static str,
    rules: TextAnalyzer,
}

impl Stems {
    /// Of a language by its code; none where no rules are known.
    pub(super) fn of(code: &str) -> Option<Self> {
        let code = if matches!(code, "nob" | "nno") { "nor" } else { code };
        let (code, language) = LANGUAGES.iter().find(|(known, _)| *known == code)?;
        let rules = TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(*language)).build();
        Some(Self { code, rules })
    }

    /// The code of the language, as stems carry it.
    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// The stem of a word with its language before it, as it is looked up. What does not inflect is its own stem.
    pub(super) fn stem(&mut self, word: &Word) -> String {
        let stem = word.spelled.as_deref().and_then(|spelled| self.cut(spelled));
        format!("{}:{}", self.code, stem.as_deref().unwrap_or(&word.folded))
    }

    fn cut(&mut self, spelled: &str) -> Option<String> {
        let mut stream = self.rules.token_stream(spelled);
        let stem = stream.next().map(|token| fold(&token.text))?;
        (!stem.is_empty()).then_some(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn inflected_forms_meet() {
        let stem = |code: &str, text: &str| {
            let mut found = Vec::new();
            words(text, &mut |word| found.push(Stems::of(code).unwrap().stem(&word)));
            found.join(" ")
        };
        let check = |code, one, other| assert_eq!(stem(code, one), stem(code, other), "{one} {other}");
        check("eng", "invoices", "invoice");
        check("deu", "Häuser", "Häusern");
        check("spa", "contratos", "contrato");
        check("rus", "договоры", "договоров");
        check("ara", "الموظفين", "موظفون");
        check("fra", "continuée", "continuées");
        assert_eq!(stem("nob", "bilene 42"), "nor:bil nor:42");
        assert!(Stems::of("jpn").is_none());
    }
}
