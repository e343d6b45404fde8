//! Titles as they may be shown in a list: on one line, bounded, and without characters that nobody sees.

/// The longest title, in code points.
const LONGEST: usize = 512;

/// A title on one line: line breaks and control characters are spaces; marks that turn the direction of text and
/// characters without width are gone, but for the joiners that a script or an emoji needs between two characters.
/// Nothing where nothing remains.
///
/// ```
/// assert_eq!(knowledge::parse::clean_title("Pay\u{202e}fdp\n 2026 "), Some("Payfdp 2026".to_owned()));
/// ```
#[must_use]
pub fn clean(raw: &str) -> Option<String> {
    let mut title = String::new();
    let mut length = 0;
    let mut characters = raw.chars().peekable();
    let mut space_due = false;
    while let Some(character) = characters.next() {
        if character.is_whitespace() || character.is_control() {
            space_due = !title.is_empty();
            continue;
        }
        let last = title.chars().next_back().filter(|_| !space_due);
        if is_invisible(character) && !joins(last, character, characters.peek().copied()) {
            continue;
        }
        let needed = 1 + usize::from(space_due);
        if length + needed > LONGEST {
            break;
        }
        if std::mem::take(&mut space_due) {
            title.push(' ');
        }
        title.push(character);
        length += needed;
    }
    (!title.is_empty()).then_some(title)
}

/// Characters that have no width of their own, or turn what stands around them.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a joiner does its work between two characters: Persian and the scripts of India need both kinds, emoji the one,
/// which may follow a selector of the colourful form.
fn joins(before: Option<char>, character: char, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after.filter(|after| !is_invisible(*after))) else { return false };
    let joining_script = |letter: char| matches!(letter, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{1cff}');
    let pictograph = |sign: char| matches!(sign, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}');
    match character {
        '\u{200c}' => joining_script(before) && joining_script(after),
        '\u{200d}' => joining_script(before) && joining_script(after) || pictograph(before) && pictograph(after),
        '\u{fe0f}' => pictograph(before),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: &str) {
        assert_eq!(clean(raw).unwrap_or_default(), expected, "{raw:?}");
    }

    #[test]
    fn nothing_invisible_remains() {
        check("invoice\u{202e}fdp.exe", "invoicefdp.exe");
        check("a\u{200b}b\u{2066}c\u{2069}\u{feff}", "abc");
        check("\u{200f}\u{200e}", "");
        check("tag\u{e0041}\u{e0042}s", "tags");
        check("one\r\ntwo\tthree\u{0}four", "one two three four");
        check("\u{3000}全角\u{3000}空白 ", "全角 空白");
    }

    #[test]
    fn joiners_stay_where_they_are_needed() {
        check("می\u{200c}خواهم", "می\u{200c}خواهم");
        check("क\u{94d}\u{200d}ष", "क\u{94d}\u{200d}ष");
        check("👩\u{200d}💻", "👩\u{200d}💻");
        check("pass\u{200d}word", "password");
        check("می\u{200c} ", "می");
    }

    #[test]
    fn a_long_title_is_cut() {
        assert_eq!(clean(&"é".repeat(600)).unwrap().chars().count(), LONGEST);
        assert_eq!(clean(&"ab ".repeat(600)).unwrap().chars().count(), LONGEST);
    }

    proptest! {
        #[test]
        fn any_title_is_one_clean_line(raw in "\\PC{0,40}|.{0,40}|[\u{200b}-\u{206f}a\u{600}]{0,20}") {
            if let Some(title) = clean(&raw) {
                prop_assert!(title.chars().count() <= LONGEST && title.trim() == title);
                prop_assert!(!title.chars().any(char::is_control));
                prop_assert_eq!(clean(&title), Some(title.clone()));
            }
        }
    }
}
