//! Old encodings and many scripts, from bytes to title, text and language.

use encoding_rs::{EUC_KR, GB18030, SHIFT_JIS, WINDOWS_1251, WINDOWS_1256};
use knowledge::parse::Warning;

use super::build::{docx, mail, paragraph, read};

const CHINESE: &str = "每位员工每年可以休二十五天年假，并应提前两周向主管提出书面申请。";
const JAPANESE: &str = "従業員は毎年二十五日の休暇を取得することができます。申請は二週間前までに行ってください。";
const ARABIC: &str = "يحق لكل موظف الحصول على خمسة وعشرين يوما من الإجازة السنوية في كل سنة ميلادية";
const KOREAN: &str = "모든 직원은 매년 이십오일의 휴가를 사용할 수 있으며 이주 전에 신청해야 합니다.";
const RUSSIAN: &str = "Каждый сотрудник имеет право на двадцать пять дней отпуска в течение календарного года.";

#[test]
fn a_text_in_an_old_encoding_keeps_its_words() {
    let samples = [
        (GB18030, CHINESE, "cmn"),
        (SHIFT_JIS, JAPANESE, "jpn"),
        (WINDOWS_1256, ARABIC, "ara"),
        (EUC_KR, KOREAN, "kor"),
        (WINDOWS_1251, RUSSIAN, "rus"),
    ];
    for (encoding, text, language) in samples {
        let (bytes, _, _) = encoding.encode(text);
        let document = read("a.txt", &bytes).unwrap();
        assert_eq!(document.text, text, "{}", encoding.name());
        assert_eq!(document.language.unwrap().code, language);
        assert!(matches!(document.warnings.as_slice(), [Warning::EncodingGuessed { .. }]), "{:?}", document.warnings);
        let html = format!("<meta charset={}><title>", encoding.name()).into_bytes();
        let page = [html.as_slice(), &bytes, b"</title><p>", &bytes].concat();
        let document = read("a.html", &page).unwrap();
        assert_eq!((document.title.as_deref(), document.text.as_str()), (Some(text), text));
        assert_eq!(document.warnings, []);
    }
}

#[test]
fn utf16_is_read_in_text_tables_and_parts() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    assert_eq!(read("a.csv", &wide("\u{feff}名前,日数\n佐藤,25")).unwrap().text, "名前 | 日数\n佐藤 | 25");
    let xml = "\u{feff}<w:document><w:body><w:p><w:r><w:t>休暇</w:t></w:r></w:p></w:body></w:document>";
    let package = super::build::package(&[("word/document.xml", &wide(xml))]);
    assert_eq!(read("a.docx", &package).unwrap().text, "休暇");
}

#[test]
fn every_script_passes_through_office_documents_and_mails() {
    for text in [CHINESE, JAPANESE, ARABIC, KOREAN, RUSSIAN, "שלום לכולם", "छुट्टी", "พนักงาน", "👩\u{200d}💻 e\u{301}"]
    {
        assert_eq!(read("a.docx", &docx(&paragraph("", text))).unwrap().text, text);
        assert!(read("a.eml", &mail("s", text, &[])).unwrap().text.ends_with(text));
    }
}

#[test]
fn invalid_characters_are_replaced_and_counted() {
    let document = read(
        "a.txt",
        b"caf\xc3\xa9 na\xc3\xafve \xc3\xa9t\xc3\xa9 \xc3\xa0 \xc3\xaatre o\xc3\xb9 \xc3\xa7a \xc3\xb4 \xc3\xbb \xff!",
    )
    .unwrap();
    assert!(document.text.ends_with("\u{fffd}!"), "{}", document.text);
    assert_eq!(document.warnings, [Warning::InvalidCharacters { count: 1 }]);
}
