//! What capture `redacted` replaces: secrets, identifiers and addresses that patterns can find. Deterministic, by
//! hand-written scanners over characters; it finds what has a form, not what only a reader would understand.

use serde_json::Value;

/// Replaces what the detectors find in every string of a JSON value by `[email]`, `[number]`, `[secret]`.
#[must_use]
pub fn redact(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact_text(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(redact).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, redact(value))).collect()),
        other => other,
    }
}

/// Replaces what the detectors find in a text.
#[must_use]
pub(crate) fn redact_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (word_end, found) = next_word(rest);
        out.push_str(found.unwrap_or(&rest[..word_end]));
        rest = &rest[word_end..];
    }
    out
}

/// The length of the next stretch of text, and what replaces it if a detector fires. A stretch is a run of digits
/// with separators, a word of the characters that addresses and secrets are made of, or one other character.
fn next_word(text: &str) -> (usize, Option<&'static str>) {
    if let Some(end) = number_end(text) {
        return (end, Some("[number]"));
    }
    let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    if end == 0 {
        return (text.chars().next().map_or(0, char::len_utf8), None);
    }
    // A full stop or colon that ends a sentence is not part of an address.
    let word = text[..end].trim_end_matches(['.', '-', ':', '/']);
    if word.is_empty() {
        return (end, None);
    }
    let found = if is_email(word) {
        Some("[email]")
    } else if is_secret(word) {
        Some("[secret]")
    } else {
        None
    };
    match found {
        Some(replacement) => (word.len(), Some(replacement)),
        None => (end, None),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '@' | '/' | '=' | ':')
}

fn is_email(word: &str) -> bool {
    let Some((local, host)) = word.rsplit_once('@') else { return false };
    !local.is_empty() && host.contains('.') && host.split('.').all(|label| !label.is_empty())
}

/// One of its pieces is a secret: web tokens and base64 have full stops, slashes and equals signs in them.
fn is_secret(word: &str) -> bool {
    word.split(['=', ':', '.', '/']).any(is_secret_token)
}

/// A token of at least 20 characters that mixes letters and digits, or one with a known prefix of a secret.
fn is_secret_token(token: &str) -> bool {
    const PREFIXES: [&str; 9] = ["fh_", "sk-", "ghp_", "gho_", "glpat-", "xoxb-", "xoxp-", "AKIA", "eyJ"];
    let known = PREFIXES.iter().any(|prefix| token.starts_with(prefix) && token.len() >= prefix.len() + 12);
    let dense =
        token.len() >= 20 && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'));
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let letters = token.bytes().filter(u8::is_ascii_alphabetic).count();
    known || (dense && digits >= 3 && letters >= 3)
}

/// The end of a run that looks like a telephone, card, account or identity number: at least 7 digits with at most one
/// separator between two of them, possibly led by `+` or two capital letters (IBAN).
fn number_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let letters = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let mut at = match bytes.first()? {
        b'+' => 1,
        b'0'..=b'9' => 0,
        _ if letters == 2 => 2,
        _ => return None,
    };
    let (mut digits, mut end) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let separates = matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')');
        if byte.is_ascii_digit() {
            digits += 1;
            end = at + 1;
        } else if !separates || at > end + 1 || digits == 0 {
            break;
        }
        at += 1;
    }
    // A number inside a longer word (a hash, an address) is left to the other detectors.
    let ends = text[end..].chars().next().is_none_or(|next| !(next.is_alphanumeric() || "@_%+=".contains(next)));
    (digits >= 7 && ends).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(redact_text(text), expected);
    }

    #[test]
    fn addresses_numbers_and_secrets_go_and_the_rest_stays() {
        check("Write to jo.doe+x@example.org.", "Write to [email].");
        check("Call +49 (30) 123-4567 at 9.", "Call [number] at 9.");
        check("IBAN DE89 3704 0044 0532 0130 00, please", "IBAN [number], please");
        check("key=sk-abcdefghijklmnop1234 works", "[secret] works");
        check("In 2026 we had 1,200 tickets.", "In 2026 we had 1,200 tickets.");
        check("版本 3.2.1 の電話 090-1234-5678", "版本 3.2.1 の電話 [number]");
        check("1234567@example.org", "[email]");
        check("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl end", "token [secret] end");
        check("AWS wJalrXUtnFEMI/K7MDENG12345abcdefgh/bPxRfi= end", "AWS [secret] end");
        check("a3f9c1d2e4b5a6978877665544332211", "[secret]");
        check("internationalisation-and-localisation", "internationalisation-and-localisation");
    }

    #[test]
    fn every_string_of_a_value_is_redacted() {
        let value = serde_json::json!({"messages": [{"role": "user", "content": "I am a@b.co"}], "n": 1234567});
        assert_eq!(
            redact(value),
            serde_json::json!({"messages": [{"role": "user", "content": "I am [email]"}], "n": 1234567})
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_redacted_without_panic_and_twice_is_once(text in ".{0,200}") {
            let once = redact_text(&text);
            proptest::prop_assert_eq!(redact_text(&once), once);
        }

        #[test]
        fn an_address_never_survives(local in "[a-z0-9]{1,12}", host in "[a-z]{1,12}", before in "[ (<,]", after in "[ )>,]") {
            let text = format!("{before}{local}@{host}.org{after}");
            proptest::prop_assert!(!redact_text(&text).contains('@'));
        }
    }
}
