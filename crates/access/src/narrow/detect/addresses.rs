//! Addresses: e-mail and telephone.

use super::{is_start, separates};

/// An e-mail address as people write them: a local part, `@`, and a domain of at least two labels.
pub(super) fn email(text: &[char], at: usize) -> Option<usize> {
    let is_local = |what: &char| what.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(*what);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if before.is_some_and(is_local) || !text.get(at)?.is_alphanumeric() {
        return None;
    }
    let sign = at + text.get(at..)?.iter().take_while(|what| is_local(what)).count();
    if text.get(sign) != Some(&'@') {
        return None;
    }
    domain(text, sign + 1)
}

/// Where a domain of at least two labels ends; the last begins with a letter and has two characters or more.
fn domain(text: &[char], start: usize) -> Option<usize> {
    let (mut at, mut end) = (start, None);
    for labels in 0.. {
        let length = text.get(at..)?.iter().take_while(|what| what.is_alphanumeric() || **what == '-').count();
        let is_last = length > 1 && text.get(at).is_some_and(|what| what.is_alphabetic());
        if labels > 0 && is_last {
            end = Some(at + length);
        }
        at += length;
        if length == 0 || text.get(at) != Some(&'.') {
            break;
        }
        at += 1;
    }
    end
}

/// A telephone number with its country: `+` and 8 to 15 digits, in groups.
pub(super) fn phone(text: &[char], at: usize) -> Option<usize> {
    if text.get(at) != Some(&'+') || !is_start(text, at) || !matches!(text.get(at + 1), Some('1'..='9')) {
        return None;
    }
    let (mut count, mut end) = (0, at);
    for (place, what) in text.iter().enumerate().skip(at + 1) {
        if what.is_ascii_digit() {
            (count, end) = (count + 1, place + 1);
        } else if !(separates(*what) || matches!(what, '(' | ')')) || place > end + 1 {
            break;
        }
    }
    (8..=15).contains(&count).then_some(end)
}
