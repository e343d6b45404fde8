//! Bytes to characters: a mark of Unicode first, then valid UTF-8, then what was declared, then the most likely encoding.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::document::Warning;
use super::draft::Draft;

/// The text of a file. What is no character of its encoding is replaced, with a warning.
pub(super) fn text<'b>(bytes: &'b [u8], charset: Option<&str>, draft: &mut Draft<'_>) -> Cow<'b, str> {
    let encoding = match (utf16(bytes), charset.and_then(|label| Encoding::for_label(label.as_bytes()))) {
        (Some(encoding), _) => encoding,
        _ if is_nearly_utf8(bytes) => UTF_8,
        (None, Some(declared)) => declared,
        (None, None) => guess(bytes, draft),
    };
    let (text, _, replaced) = encoding.decode(bytes);
    if replaced {
        let count = text.matches('\u{fffd}').count() as u64;
        draft.warn(Warning::InvalidCharacters { count });
    }
    lines(text)
}

fn guess(bytes: &[u8], draft: &mut Draft<'_>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    draft.warn(Warning::EncodingGuessed { encoding: encoding.name().to_owned() });
    encoding
}

/// UTF-16, by its mark or by the zero bytes of Latin letters.
pub(super) fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let head = bytes.get(..4096).unwrap_or(bytes);
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // A quarter of a text in almost any language is spaces, digits and Latin letters once it has tables or addresses.
    let enough = (head.len() / 8).max(2);
    match () {
        () if odd >= enough && even * 10 < odd => Some(UTF_16LE),
        () if even >= enough && odd * 10 < even => Some(UTF_16BE),
        () => None,
    }
}

/// Valid UTF-8, or UTF-8 with little damage: at least ten characters of several bytes for each invalid place. Bytes of
/// another encoding are hardly ever valid sequences by chance.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut long, mut invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        long += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    invalid * 10 <= long
}

/// One kind of line end.
fn lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GB18030, SHIFT_JIS, WINDOWS_1252, WINDOWS_1256};

    use super::*;
    use crate::parse::Limits;

    fn decoded(bytes: &[u8], charset: Option<&str>) -> (String, Vec<Warning>) {
        let limits = Limits::default();
        let mut draft = Draft::new(bytes.len(), &limits).unwrap();
        let decoded = text(bytes, charset, &mut draft).into_owned();
        draft.push(crate::parse::BlockKind::Paragraph, "x").unwrap();
        (decoded, draft.finish().warnings)
    }

    #[test]
    fn old_encodings_are_recognised() {
        for (encoding, text) in [
            (GB18030, "每位员工每年可以休二十五天年假,并应提前两周向主管提出书面申请。"),
            (SHIFT_JIS, "従業員は毎年二十五日の休暇を取得することができます。申請は二週間前までに。"),
            (WINDOWS_1256, "يحق لكل موظف الحصول على خمسة وعشرين يوما من الإجازة في كل سنة ميلادية"),
            (WINDOWS_1252, "Jede Mitarbeiterin kann fünfundzwanzig Tage Urlaub für das Jahr nehmen; Größe und Maß."),
        ] {
            let (bytes, _, _) = encoding.encode(text);
            let (found, warnings) = decoded(&bytes, None);
            assert_eq!(found, text, "{}", encoding.name());
            assert!(matches!(warnings.as_slice(), [Warning::EncodingGuessed { .. }]), "{warnings:?}");
            assert_eq!(decoded(&bytes, Some(encoding.name())), (text.to_owned(), vec![]));
        }
    }

    #[test]
    fn utf16_is_recognised_with_and_without_its_mark() {
        let units: Vec<u16> = "\u{feff}Urlaub: 25 Tage – für alle, 休暇".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [&little[..], &big[..], &little[2..], &big[2..]] {
            let (found, warnings) = decoded(bytes, None);
            assert_eq!(found, "Urlaub: 25 Tage – für alle, 休暇");
            assert_eq!(warnings, []);
        }
    }

    #[test]
    fn little_damage_does_not_change_the_encoding() {
        let mut bytes = "Größe und Maß für jede Übung, schön und früh: äöüß ÄÖÜ".as_bytes().to_vec();
        bytes.extend(b" \xff end");
        let (found, warnings) = decoded(&bytes, None);
        assert!(found.starts_with("Größe") && found.ends_with("\u{fffd} end"), "{found}");
        assert_eq!(warnings, [Warning::InvalidCharacters { count: 1 }]);
    }
}
