//! Account and card numbers.

use super::{cut, digits, gathered, is_start};

/// The lengths of account numbers by country (SWIFT, IBAN Registry).
const IBAN_LENGTHS: [(&str, usize); 79] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
];

/// An account number: a country, its length, and a remainder of 1 by 97 (ISO 7064 MOD 97-10).
pub(super) fn iban(text: &[char], at: usize) -> Option<usize> {
    if !(is_start(text, at) && text.get(at)?.is_ascii_alphabetic() && text.get(at + 1)?.is_ascii_alphabetic()) {
        return None;
    }
    let found = gathered(text, at, 34);
    let country: String = found.iter().take(2).map(|(what, _)| *what).collect();
    let (_, length) = IBAN_LENGTHS.iter().find(|(name, _)| *name == country)?;
    let (account, end) = cut(text, &found, *length)?;
    let turned = account.iter().skip(4).chain(account.iter().take(4));
    let rest = turned.filter_map(|what| what.to_digit(36)).fold(0, |rest, value| {
        let shift = if value < 10 { 10 } else { 100 };
        (rest * shift + value) % 97
    });
    (rest == 1).then_some(end)
}

/// A card number: the longest that a scheme has, with its check digit.
pub(super) fn payment_card(text: &[char], at: usize) -> Option<usize> {
    if !(is_start(text, at) && text.get(at)?.is_ascii_digit()) {
        return None;
    }
    let found = gathered(text, at, 19);
    (13..=19).rev().find_map(|length| {
        let (card, end) = cut(text, &found, length)?;
        let card = digits(&card)?;
        (is_of_a_scheme(&card) && luhn(&card)).then_some(end)
    })
}

/// The beginnings and lengths of the large schemes, as they publish them.
fn is_of_a_scheme(card: &[u32]) -> bool {
    let first = |count: usize| card.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    matches!(
        (card.len(), first(2), first(4)),
        (13 | 16 | 19, 40..=49, _)
            | (16, 51..=55, _)
            | (16, _, 2221..=2720)
            | (15, 34 | 37, _)
            | (14..=19, 36 | 38 | 39, _)
            | (14..=19, _, 3000..=3059)
            | (16..=19, 62 | 64 | 65, _)
            | (16..=19, _, 6011 | 3528..=3589)
            | (13..=19, 50 | 56..=58 | 63 | 67, _)
    )
}

/// The check digit of ISO/IEC 7812-1, annex B (H. P. Luhn, US patent 2,950,048).
fn luhn(digits: &[u32]) -> bool {
    let doubled = |(place, digit): (usize, &u32)| match (place % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice) if twice > 9 => twice - 9,
        (_, twice) => twice,
    };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}
