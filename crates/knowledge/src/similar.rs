//! Near-duplicates: texts that say the same but for a few words. They are collapsed among what somebody may read, and
//! never before, so that nobody misses what only a hidden twin would stand for.

use std::collections::BTreeSet;

/// Words in a row that are compared.
const SHINGLE_WORDS: usize = 4;
/// From this share of common rows of words on, two texts count as one (Broder 1997, resemblance).
const RESEMBLANCE: f64 = 0.85;

/// What a text is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(BTreeSet<u64>);

impl Shape {
    /// Of a text: its rows of words, without case and punctuation.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        // Scripts without spaces make one long word of a sentence: their characters are compared.
        if words.iter().any(|word| word.chars().count() > 30) {
            let letters: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
            return Self(rows(&letters, SHINGLE_WORDS * 2));
        }
        Self(rows(&words, SHINGLE_WORDS))
    }

    /// Whether both say the same but for little.
    #[must_use]
    pub fn resembles(&self, other: &Self) -> bool {
        let common = self.0.intersection(&other.0).count();
        let all = self.0.len() + other.0.len() - common;
        all > 0 && common as f64 >= RESEMBLANCE * all as f64
    }
}

fn rows<T: std::hash::Hash>(items: &[T], length: usize) -> BTreeSet<u64> {
    use std::hash::BuildHasher as _;
    // Without random keys: the same text has the same rows in every run.
    let hasher = std::hash::BuildHasherDefault::<std::collections::hash_map::DefaultHasher>::default();
    items.windows(length.min(items.len().max(1))).map(|row| hasher.hash_one(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "Trips that cost more than 500 euros need the approval of a manager before they are booked. Ask \
        yours in good time, and keep the receipts: without them nothing is paid back. Trips by night train count twice.";

    fn resemble(one: &str, other: &str) -> bool {
        Shape::of(one).resembles(&Shape::of(other))
    }

    #[test]
    fn twins_resemble_and_others_do_not() {
        assert!(resemble(RULE, RULE));
        assert!(resemble(RULE, &RULE.to_uppercase().replace(':', " -")));
        assert!(resemble(RULE, &format!("{RULE} (2026)")));
        assert!(!resemble(RULE, "Trips that cost more than 500 euros need the approval of nobody at all."));
        assert!(!resemble(RULE, &RULE.replace("500", "900").replace("manager", "director").replace("night", "fast")));
        assert!(resemble("每位员工每年可以休二十五天年假", "每位员工每年可以休二十五天年假。"));
        assert!(!resemble("每位员工每年可以休二十五天年假", "每位员工每年可以休十天病假"));
        assert!(!resemble("", ""));
        assert!(resemble("VPN", "vpn"));
    }
}
