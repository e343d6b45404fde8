//! Any bytes, and any change to sound documents: a document that keeps its promises or an error, and never a panic.

use knowledge::KnowledgeError;
use knowledge::chunk::{ChunkOptions, chunk};
use knowledge::parse::{Declared, Limits, ParsedDocument, parse};
use proptest::prelude::*;

use super::build::{docx, line, mail, paragraph, pdf, pptx, shape, xlsx};

const NAMES: [&str; 9] = ["a.txt", "a.md", "a.html", "a.csv", "a.eml", "a.pdf", "a.docx", "a.xlsx", "a.pptx"];

/// What every document promises, whatever it was made from.
fn keeps_its_promises(document: &ParsedDocument) {
    let characters: Vec<char> = document.text.chars().collect();
    let mut end = 0;
    for block in &document.blocks {
        assert!(end <= block.start && block.start < block.end, "{block:?} after {end}");
        assert!(characters[end as usize..block.start as usize].iter().all(|between| *between == '\n'));
        end = block.end;
    }
    assert_eq!(end as usize, characters.len());
    let words = |text: &str| text.split_whitespace().count();
    let options = ChunkOptions { target_tokens: 5, max_tokens: 9, overlap_sentences: 1 };
    super::chunks::hold(&document.text, &chunk(&document.text, &document.blocks, &options, &words), &options, &words);
    if let Some(title) = &document.title {
        assert_eq!(knowledge::parse::clean_title(title).as_ref(), Some(title));
    }
}

fn is_document_or_error(name: &str, bytes: &[u8]) {
    let limits = Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() };
    match parse(bytes, &Declared::named(name), &limits) {
        Ok(document) => {
            keeps_its_promises(&document);
            assert_eq!(
                parse(bytes, &Declared::named(name), &limits),
                Ok(document),
                "the same bytes, the same document"
            );
        }
        Err(error) => assert!(!matches!(error, KnowledgeError::ParserDied { .. }), "{error}"),
    }
}

/// A sound document of the format.
fn sound(format: usize) -> Vec<u8> {
    let text = "# One\n\n- two\n- three\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n```\ncode\n```\n";
    match format {
        0 | 1 => text.as_bytes().to_vec(),
        2 => b"<html><title>T</title><h1>One</h1><ul><li>two</ul><table><tr><td>1<td>2</table><p hidden>x".to_vec(),
        3 => b"a,b\n1,\"2\n3\"\n".to_vec(),
        4 => mail(
            "One",
            "two",
            &[
                ("a.docx", "", &sound(6)),
                ("b.md", "text/markdown", b"# x"),
                ("c.eml", "message/rfc822", b"Subject: y\r\n\r\nz"),
            ],
        ),
        5 => pdf(&[&(line("F2", 20, 50, 700, "One") + &line("F1", 10, 50, 600, "two \\(three\\)"))], "/Title (T)"),
        6 => docx(&[paragraph("Own", "One"), paragraph("", "two")].concat()),
        7 => xlsx(
            &[("S", "", r#"<row><c r="A1" s="1"><v>45000</v></c><c r="C1" t="s"><v>0</v></c></row>"#)],
            "<si><t>x</t></si>",
        ),
        _ => pptx(&[("", &[shape("title", "One"), shape("body", "two")].concat(), &shape("body", "notes"))]),
    }
}

/// Changes some bytes, cuts the end off, or repeats a stretch.
fn mutated(mut bytes: Vec<u8>, changes: &[(usize, u8)], cut: Option<usize>) -> Vec<u8> {
    for (place, byte) in changes {
        let place = place % bytes.len();
        bytes[place] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut % bytes.len());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_a_document_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400), format in 0..NAMES.len()) {
        is_document_or_error(NAMES[format], &bytes);
    }

    #[test]
    fn any_text_is_a_document_or_an_error(text in "\\PC{0,200}|[-a#*>|`<!\\[\\]()&;:\n\r\t \"',%]{0,200}", format in 0..NAMES.len()) {
        is_document_or_error(NAMES[format], text.as_bytes());
    }

    #[test]
    fn any_run_of_tags_is_a_document_or_an_error(tags in proptest::collection::vec("</?(table|tr|td|th|h[1-6]|p|li|pre|div|title|script|svg|p hidden|b)>|x| ", 0..60)) {
        is_document_or_error("a.html", tags.concat().as_bytes());
    }

    #[test]
    fn any_run_of_elements_is_a_document_or_an_error(tags in proptest::collection::vec("</?w:(tbl|tr|tc|p|r|t|del|Fallback)>|x|&amp;|&x;|<w:vanish/>|<w:tab/>", 0..60)) {
        is_document_or_error("a.docx", &docx(&tags.concat()));
    }

    #[test]
    fn a_mutated_document_is_a_document_or_an_error(
        format in 0..NAMES.len(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..12),
        cut in proptest::option::weighted(0.2, any::<usize>()),
    ) {
        is_document_or_error(NAMES[format], &mutated(sound(format), &changes, cut));
    }

    #[test]
    fn any_content_stream_is_a_document_or_an_error(
        operators in proptest::collection::vec("BT|ET|q|Q|/F[12] [-0-9]{1,6} Tf|[-0-9.]{1,9} [-0-9.]{1,9} Td|\\(a\\) Tj|\\[\\(b\\) [-0-9]{1,9} \\(c\\)\\] TJ|([-0-9.]{1,7} ){6}(Tm|cm)|T\\*|[0-9]{1,9} (Tz|TL|Tc|Tw|Ts|Tr)", 0..40),
    ) {
        is_document_or_error("a.pdf", &pdf(&[&operators.join("\n")], ""));
    }
}

#[test]
fn sound_documents_are_read() {
    for (format, name) in NAMES.iter().enumerate() {
        let document = parse(&sound(format), &Declared::named(*name), &Limits::default()).unwrap();
        assert!(document.text.contains("1") || document.text.contains("One") || document.text.contains('x'), "{name}");
        keeps_its_promises(&document);
    }
}
