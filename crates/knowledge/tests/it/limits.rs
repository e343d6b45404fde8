//! Each limit on a document of which only that limit is exceeded, and the same document just within it.

use knowledge::parse::{Declared, Limits, ParsedDocument, Warning, parse};
use knowledge::{KnowledgeError, Measure};

use super::build::{docx, line, mail, package, paragraph, pdf, pptx, shape, xlsx};

fn within(name: &str, bytes: &[u8], limits: &Limits) -> Result<ParsedDocument, KnowledgeError> {
    parse(bytes, &Declared::named(name), limits)
}

fn refused(name: &str, bytes: &[u8], limits: &Limits, what: Measure, limit: u64) {
    assert_eq!(within(name, bytes, limits), Err(KnowledgeError::TooLarge { what, limit }));
}

#[test]
fn bytes_are_limited() {
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    refused("a.txt", &[b'a'; 11], &limits, Measure::Bytes, 10);
    assert!(within("a.txt", &[b'a'; 10], &limits).is_ok());
}

#[test]
fn two_hundred_megabytes_have_a_clear_answer() {
    let error = within("a.txt", &vec![b'a'; 200 << 20], &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the document has more bytes than the 67108864 that are allowed: split it, or raise the limit"
    );
    assert_eq!(error.kind(), domain::ErrorKind::TooLarge);
}

#[test]
fn characters_are_limited_and_not_bytes() {
    let limits = Limits { max_text_chars: 4, ..Limits::default() };
    assert!(within("a.txt", "語語語語".as_bytes(), &limits).is_ok());
    refused("a.txt", "語語語語語".as_bytes(), &limits, Measure::Characters, 4);
    refused("a.md", b"# a\n\nb c", &limits, Measure::Characters, 4);
    refused("a.pdf", &pdf(&[&line("F1", 10, 50, 700, "abcde")], ""), &limits, Measure::Characters, 4);
}

#[test]
fn pages_sheets_and_slides_are_limited() {
    let limits = Limits { max_pages: 2, ..Limits::default() };
    let slide = shape("title", "x");
    for count in [2, 3] {
        let documents = [
            ("a.pdf", pdf(&vec![""; count], "")),
            ("a.xlsx", xlsx(&vec![("x", "", ""); count], "")),
            ("a.pptx", pptx(&vec![("", slide.as_str(), ""); count])),
        ];
        for (name, bytes) in documents {
            match count {
                2 => assert!(within(name, &bytes, &limits).is_ok(), "{name}"),
                _ => refused(name, &bytes, &limits, Measure::Pages, 2),
            }
        }
    }
}

#[test]
fn parts_of_a_package_are_limited() {
    let limits = Limits { max_parts: 3, ..Limits::default() };
    let bytes = docx(&paragraph("", "text"));
    assert!(within("a.docx", &bytes, &limits).is_ok());
    refused("a.docx", &bytes, &Limits { max_parts: 2, ..limits }, Measure::Parts, 2);
}

#[test]
fn a_zip_bomb_is_stopped_while_it_unpacks() {
    // 100 MiB of one letter are 100 KiB packed.
    let body = "a".repeat(100 << 20);
    let bomb = docx(&paragraph("", &body));
    assert!(bomb.len() < 1 << 20);
    let allowed = (bomb.len() as u64 * 200).max(8 << 20);
    refused("a.docx", &bomb, &Limits::default(), Measure::UnpackedBytes, allowed);
    let limits = Limits { max_expansion: u64::MAX, max_unpacked_bytes: 1 << 20, ..Limits::default() };
    refused("a.docx", &bomb, &limits, Measure::UnpackedBytes, 1 << 20);
}

#[test]
fn a_package_that_lies_about_its_sizes_is_refused() {
    let mut bomb = docx(&paragraph("", &"a".repeat(20 << 20)));
    // The sizes in the list at the end: this one says that every part is one byte long.
    let list = bomb.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let mut at = list;
    while bomb[at..].starts_with(b"PK\x01\x02") {
        bomb[at + 24..at + 28].copy_from_slice(&1_u32.to_le_bytes());
        let length = |offset: usize| usize::from(u16::from_le_bytes([bomb[at + offset], bomb[at + offset + 1]]));
        at += 46 + length(28) + length(30) + length(32);
    }
    let error = within("a.docx", &bomb, &Limits::default()).unwrap_err();
    assert!(matches!(error, KnowledgeError::Malformed { .. } | KnowledgeError::TooLarge { .. }), "{error}");
}

#[test]
fn a_package_in_which_one_part_is_a_bomb_among_many_is_counted_as_a_whole() {
    let slide = shape("", &"a".repeat(300 << 10));
    let slides = vec![("", slide.as_str(), ""); 10];
    let limits = Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() };
    refused("a.pptx", &pptx(&slides), &limits, Measure::UnpackedBytes, 1 << 20);
}

#[test]
fn a_text_that_every_cell_repeats_is_counted_as_it_grows() {
    let shared = format!("<si><t>{}</t></si>", "long ".repeat(200_000));
    let row = format!("<row>{}</row>", r#"<c t="s"><v>0</v></c>"#.repeat(16_000));
    refused("a.xlsx", &xlsx(&[("S", "", &row)], &shared), &Limits::default(), Measure::Characters, 8_000_000);
}

#[test]
fn text_that_a_pdf_draws_again_and_again_is_counted_as_it_grows() {
    let limits = Limits { max_text_chars: 1_000, ..Limits::default() };
    // The same word twice at one place would be one that is bold.
    let content = (line("F1", 10, 50, 700, "one") + &line("F1", 10, 50, 650, "two")).repeat(5_000);
    refused("a.pdf", &pdf(&[&content], ""), &limits, Measure::Characters, 1_000);
}

fn nested(depth: u32) -> Vec<u8> {
    let mut bytes = b"From: a@example.org\r\nSubject: innermost\r\n\r\nhello".to_vec();
    for level in (1..depth).rev() {
        bytes = [
            format!("From: a@example.org\r\nSubject: level {level}\r\nContent-Type: message/rfc822\r\n\r\n")
                .into_bytes(),
            bytes,
        ]
        .concat();
    }
    bytes
}

fn left_out(document: &ParsedDocument) -> Vec<KnowledgeError> {
    let reasons = document.warnings.iter().filter_map(|warning| match warning {
        Warning::AttachmentLeftOut { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    reasons.collect()
}

#[test]
fn mails_inside_of_mails_are_read_to_a_depth() {
    let document = within("a.eml", &nested(8), &Limits::default()).unwrap();
    assert!(document.text.contains("hello") && left_out(&document).is_empty(), "{document:?}");
    let document = within("a.eml", &nested(42), &Limits::default()).unwrap();
    assert!(document.text.contains("level 8") && !document.text.contains("level 9"), "{document:?}");
    assert_eq!(left_out(&document), [KnowledgeError::TooLarge { what: Measure::Depth, limit: 8 }]);
    refused("a.eml", &nested(5000), &Limits::default(), Measure::Depth, 8);
}

#[test]
fn attachments_are_read_up_to_a_number() {
    let attachment: (&str, &str, &[u8]) = ("n.txt", "text/plain", b"words");
    let count = |document: &ParsedDocument| document.text.matches("words").count();
    let document = within("a.eml", &mail("s", "b", &[attachment; 40]), &Limits::default()).unwrap();
    assert_eq!((count(&document), left_out(&document).len()), (40, 0));
    let document = within("a.eml", &mail("s", "b", &[attachment; 70]), &Limits::default()).unwrap();
    assert_eq!(count(&document), 64);
    assert_eq!(left_out(&document), [KnowledgeError::TooLarge { what: Measure::Attachments, limit: 64 }]);
}

#[test]
fn a_bomb_in_a_mail_leaves_the_rest_readable() {
    let good = docx(&paragraph("", "good words"));
    let bomb = docx(&paragraph("", &"a".repeat(20 << 20)));
    let archive = package(&[("x", b"y")]);
    let attached = [
        ("n.txt", "text/plain", b"first".to_vec()),
        ("bomb.docx", "application/octet-stream", bomb),
        ("b.zip", "application/zip", archive),
        ("a.docx", "application/octet-stream", good),
    ];
    let attached: Vec<_> = attached.iter().map(|(name, kind, bytes)| (*name, *kind, bytes.as_slice())).collect();
    let document = within("a.eml", &mail("s", "b", &attached), &Limits::default()).unwrap();
    assert!(document.text.contains("first") && document.text.contains("good words"), "{document:?}");
    let expected = [
        KnowledgeError::TooLarge { what: Measure::UnpackedBytes, limit: 8 << 20 },
        KnowledgeError::Unsupported { found: "a zip archive".to_owned() },
    ];
    assert_eq!(left_out(&document), expected);
}

#[test]
fn a_million_cells_are_within_the_limits() {
    let row: String = (0..10).map(|cell| format!("{cell}00,")).collect();
    let table = format!("{}\n", row.trim_end_matches(',')).repeat(100_000);
    let document = within("a.csv", table.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(document.blocks.len(), 100_000);
}
