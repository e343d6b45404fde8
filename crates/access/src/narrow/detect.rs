//! Forms that can be told without understanding: identifiers, most of them by their check digits, addresses and secrets.
//! By hand-written scanners over the characters that show something.
//!
//! Each scanner says, for one place, where what begins there ends.

mod addresses;
mod identifiers;
mod numbers;
mod secrets;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Reason, Span};
use crate::fold::{Letter, legible};

/// A form that can be guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// International bank account numbers: the length of their country, and check digits (ISO 13616, ISO 7064 MOD 97-10).
    Iban,
    /// Numbers of payment cards: the beginnings and lengths of the large schemes, and the check digit (ISO/IEC 7812-1).
    PaymentCard,
    /// National numbers with check digits: Brazil (CPF), China (GB 11643), France (NIR), Germany (Steuer-ID), Spain (DNI,
    /// NIE). Those of countries that are not listed are not found.
    NationalId,
    /// E-mail addresses.
    Email,
    /// Telephone numbers in the international form, with `+` (ITU-T E.164). National forms are not found.
    Phone,
    /// Blocks of private keys (RFC 7468), to their end or that of the text.
    PrivateKey,
    /// Keys of well-known services, by how they begin, and those of this installation; web tokens (RFC 7519).
    ApiKey,
    /// Long runs of letters and digits that look random. Hexadecimal ones (checksums, ids) are left.
    RandomToken,
}

impl Detector {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Iban,
        Self::PaymentCard,
        Self::NationalId,
        Self::Email,
        Self::Phone,
        Self::PrivateKey,
        Self::ApiKey,
        Self::RandomToken,
    ];

    const fn scanner(self) -> Scanner {
        match self {
            Self::Iban => numbers::iban,
            Self::PaymentCard => numbers::payment_card,
            Self::NationalId => identifiers::national_id,
            Self::Email => addresses::email,
            Self::Phone => addresses::phone,
            Self::PrivateKey => secrets::private_key,
            Self::ApiKey => secrets::api_key,
            Self::RandomToken => secrets::random_token,
        }
    }
}

/// Where what begins at a place ends (one beyond), if something does.
type Scanner = fn(&[char], usize) -> Option<usize>;

/// Everything that these detectors find in a text.
pub(super) fn find(text: &str, detectors: &[Detector]) -> Vec<Span> {
    if detectors.is_empty() {
        return Vec::new();
    }
    let letters: Vec<Letter> = legible(text).collect();
    let shown: Vec<char> = letters.iter().map(|letter| letter.what).collect();
    let mut spans = Vec::new();
    for detector in detectors {
        let scan = detector.scanner();
        let mut at = 0;
        while at < shown.len() {
            let end = scan(&shown, at).filter(|end| *end > at);
            if let Some((first, last)) = end.and_then(|end| letters.get(at).zip(letters.get(end - 1))) {
                let reasons = BTreeSet::from([Reason::Detected(*detector)]);
                spans.push(Span { start: first.start, end: last.end, reasons });
            }
            at = end.unwrap_or(at + 1);
        }
    }
    spans
}

/// Whether a word may begin here: what stands before is no letter or digit.
fn is_start(text: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    before.is_none_or(|before| !before.is_ascii_alphanumeric())
}

/// Whether a word may end before here.
fn is_end(text: &[char], end: usize) -> bool {
    text.get(end).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// What separates groups of a number.
const fn separates(what: char) -> bool {
    matches!(what, ' ' | '\u{A0}' | '\u{2009}' | '\u{202F}' | '-' | '.' | '/' | '\u{2010}'..='\u{2013}')
}

/// Up to this many ASCII letters and digits from a place on, in capitals, with at most one separator between two; each
/// with where it ends.
fn gathered(text: &[char], start: usize, most: usize) -> Vec<(char, usize)> {
    let mut found: Vec<(char, usize)> = Vec::new();
    let mut at = start;
    while let Some(what) = text.get(at).filter(|_| found.len() < most) {
        let after = found.last().map_or(start, |(_, end)| *end);
        if what.is_ascii_alphanumeric() {
            found.push((what.to_ascii_uppercase(), at + 1));
        } else if !separates(*what) || at > after {
            break;
        }
        at += 1;
    }
    found
}

/// The first few of what was gathered, with where they end; none where there are fewer, or the word goes on.
fn cut(text: &[char], found: &[(char, usize)], length: usize) -> Option<(Vec<char>, usize)> {
    let first = found.get(..length)?;
    let (_, end) = first.last()?;
    is_end(text, *end).then(|| (first.iter().map(|(what, _)| *what).collect(), *end))
}

/// Characters as digits; none where one of them is none.
fn digits(characters: &[char]) -> Option<Vec<u32>> {
    characters.iter().map(|what| what.to_digit(10)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(detector: Detector, text: &str) -> Vec<&str> {
        find(text, &[detector]).iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn identifiers_are_told_by_their_check_digits() {
        for (detector, text, expected) in [
            (Detector::Iban, "to DE89 3704 0044 0532 0130 00, GB82WEST12345698765432.", 2),
            (Detector::Iban, "DE89 3704 0044 0532 0130 01 or DE89370400440532013", 0),
            (Detector::PaymentCard, "4111 1111 1111 1111 and 5500-0000-0000-0004, 378282246310005", 3),
            (Detector::PaymentCard, "4111 1111 1111 1112, 1111111111111117, 41111111111111111", 0),
            (Detector::NationalId, "11010519491231002X, 529.982.247-25, 12345678Z, X1234567L", 4),
            (Detector::NationalId, "2 55 08 14 168 025 38; 86095742719; 1 55 08 2A 168 025 50", 3),
            (Detector::NationalId, "110105194912310021, 529.982.247-26, 12345678A, 11111111111, 86095742718", 0),
            (Detector::Email, "write to <Jo.Doe+x@mail.example.org>. Or jo@example.", 1),
            (Detector::Phone, "+49 (0)30 1234-5678, +1-202-555-0143; +12 is none, 3+12345678 neither", 2),
        ] {
            assert_eq!(found(detector, text).len(), expected, "{text}: {:?}", found(detector, text));
        }
        assert_eq!(found(Detector::Email, "<Jo.Doe+x@mail.example.org>."), ["Jo.Doe+x@mail.example.org"]);
        assert_eq!(found(Detector::Iban, "a DE89 3704 0044 0532 0130 00 b"), ["DE89 3704 0044 0532 0130 00"]);
        assert_eq!(found(Detector::Phone, "at +1-202-555-0143."), ["+1-202-555-0143"]);
    }

    #[test]
    fn secrets_are_told_by_their_form() {
        let block = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        assert_eq!(found(Detector::PrivateKey, &format!("a {block} b")), [block]);
        assert_eq!(
            found(Detector::PrivateKey, "-----BEGIN PRIVATE KEY-----\nMIIE"),
            ["-----BEGIN PRIVATE KEY-----\nMIIE"]
        );
        assert!(found(Detector::PrivateKey, "-----BEGIN CERTIFICATE-----\nPRIVATE KEY").is_empty());
        let key = "fh_9aF3kLm2QpX7vTz1Yb4Nc8Rd6Ws0Ej5H";
        assert_eq!(found(Detector::ApiKey, &format!("key={key}, AKIAIOSFODNN7EXAMPLE")), [key, "AKIAIOSFODNN7EXAMPLE"]);
        assert!(found(Detector::ApiKey, "fh_session, sk-short, xfh_9aF3kLm2QpX7vTz1Yb4Nc8Rd6Ws0Ej5H").is_empty());
        let random = "q8Zt3LmX0vPa7Rk2Wd9Ys4Bn6Hc1Jf5G";
        assert_eq!(found(Detector::RandomToken, &format!("token: {random}.")), [random]);
        let none = "d41d8cd98f00b204e9800998ecf8427ed41d8cd9 Donaudampfschifffahrtsgesellschaftskapitaen \
                    https://example.org/a/long/path/to/A/page/with/3/parts aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA1";
        assert!(found(Detector::RandomToken, none).is_empty());
    }
}
