//! National numbers that carry check digits. Each is told by its length, its check digits, and what else its rules say.

use super::{cut, digits, gathered, is_start};

/// Whether characters of the right length are such a number; none where they cannot be.
type Check = fn(&[char]) -> Option<bool>;

/// A national number of one of the countries that are known here.
pub(super) fn national_id(text: &[char], at: usize) -> Option<usize> {
    if !(is_start(text, at) && text.get(at)?.is_ascii_alphanumeric()) {
        return None;
    }
    let found = gathered(text, at, 18);
    let kinds: [(usize, Check); 5] = [(18, china), (15, france), (11, brazil), (11, germany), (9, spain)];
    kinds.into_iter().find_map(|(length, is_one)| {
        let (number, end) = cut(text, &found, length)?;
        is_one(&number)?.then_some(end)
    })
}

fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

fn weighted(digits: &[u32], weights: impl Iterator<Item = u32>) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// GB 11643-1999: region, date of birth, order, and a check character (ISO 7064 MOD 11-2).
fn china(characters: &[char]) -> Option<bool> {
    let (last, first) = characters.split_last()?;
    let first = digits(first)?;
    let sum = weighted(&first, (1..=17_u32).rev().map(|power| 2_u32.pow(power) % 11));
    let expected = char::from_digit((12 - sum % 11) % 11, 10).unwrap_or('X');
    let (month, day) = (number(first.get(10..12)?), number(first.get(12..14)?));
    Some(expected == *last && (1..=12).contains(&month) && (1..=31).contains(&day))
}

/// NIR: sex, year, month, commune, order, and a key: 97 less the remainder by 97. Corsica's departments 2A and 2B count as
/// 19 and 18.
fn france(characters: &[char]) -> Option<bool> {
    let corsica = |(place, what): (usize, &char)| match (place, what) {
        (6, 'A') => '9',
        (6, 'B') => '8',
        (5, '2') if matches!(characters.get(6), Some('A' | 'B')) => '1',
        _ => *what,
    };
    let all: Vec<char> = characters.iter().enumerate().map(corsica).collect();
    let all = digits(&all)?;
    let (body, key) = all.split_at_checked(13)?;
    let month = number(body.get(3..5)?);
    let plausible = matches!(body.first(), Some(1 | 2)) && (matches!(month, 1..=12) || month >= 20);
    Some(plausible && 97 - number(body) % 97 == number(key))
}

/// CPF: two check digits by weights, modulo 11; eleven equal digits are none.
fn brazil(characters: &[char]) -> Option<bool> {
    let all = digits(characters)?;
    let check = |count: u32| {
        let sum = weighted(&all, (2..=count + 1).rev());
        Some(all.get(count as usize)? == &(sum * 10 % 11 % 10))
    };
    let differ = all.iter().any(|digit| Some(digit) != all.first());
    Some(differ && check(9)? && check(10)?)
}

/// Steuer-ID: it does not begin with 0; of the first ten digits exactly one occurs twice or three times, the others once;
/// and a check digit (ISO 7064 MOD 11,10).
fn germany(characters: &[char]) -> Option<bool> {
    let all = digits(characters)?;
    let (last, first) = all.split_last()?;
    let mut counts = [0_u32; 10];
    for digit in first {
        *counts.get_mut(*digit as usize)? += 1;
    }
    let repeated: Vec<u32> = counts.into_iter().filter(|count| *count > 1).collect();
    let product = first.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let check = (11 - product) % 10;
    Some(first.first() != Some(&0) && matches!(repeated[..], [2 | 3]) && check == *last)
}

/// DNI, or NIE with X, Y, Z for 0, 1, 2: eight digits, and a letter by their remainder by 23.
fn spain(characters: &[char]) -> Option<bool> {
    const LETTERS: [char; 23] = [
        'T', 'R', 'W', 'A', 'G', 'M', 'Y', 'F', 'P', 'D', 'X', 'B', 'N', 'J', 'Z', 'S', 'Q', 'V', 'H', 'L', 'C', 'K',
        'E',
    ];
    let (last, first) = characters.split_last()?;
    let mut first = first.to_vec();
    if let Some(letter) = first.first_mut() {
        *letter = match *letter {
            'X' => '0',
            'Y' => '1',
            'Z' => '2',
            other => other,
        };
    }
    let remainder = usize::try_from(number(&digits(&first)?) % 23).ok()?;
    Some(LETTERS.get(remainder) == Some(last))
}
