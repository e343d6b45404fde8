//! Documents made to mislead or to break: each has a clear answer.

use std::time::{Duration, Instant};

use knowledge::KnowledgeError;
use knowledge::parse::{Declared, Format, Limits, Warning, parse};

use super::build::{docx, line, mail, package, paragraph, pdf, pptx, read, shape, xlsx};

#[test]
fn an_empty_file_is_an_empty_document() {
    for name in ["a.txt", "a.md", "a.html", "a.csv"] {
        let document = read(name, b"").unwrap();
        assert_eq!((document.text.as_str(), document.blocks.len()), ("", 0), "{name}");
        assert_eq!(document.warnings, [Warning::NoText], "{name}");
    }
    assert!(matches!(read("a.eml", b""), Err(KnowledgeError::Malformed { format: Format::Eml, .. })));
    // Nothing in it says that it is a PDF: an empty text.
    assert!(read("a.pdf", b"").unwrap().warnings.contains(&Warning::NoText));
}

#[test]
fn a_wrong_declaration_is_noticed() {
    let declared = |found| Warning::DeclaredOtherwise { declared: Format::Docx, found };
    let document = read("a.docx", &pdf(&[&line("F1", 10, 50, 700, "words")], "")).unwrap();
    assert_eq!((document.text.as_str(), document.warnings), ("words", vec![declared(Format::Pdf)]));
    let document = read("a.docx", b"<html><p>words").unwrap();
    assert_eq!((document.text.as_str(), document.warnings), ("words", vec![declared(Format::Html)]));
    let media_type = Declared { media_type: Some("application/pdf".to_owned()), name: None };
    let document = parse(&docx(&paragraph("", "words")), &media_type, &Limits::default()).unwrap();
    assert_eq!(document.warnings, [Warning::DeclaredOtherwise { declared: Format::Pdf, found: Format::Docx }]);
}

#[test]
fn an_encrypted_pdf_says_so_and_one_for_everyone_is_read() {
    let locked = read("a.pdf", include_bytes!("files/password.pdf")).unwrap_err();
    assert_eq!(locked, KnowledgeError::Encrypted { format: Format::Pdf });
    assert_eq!(locked.to_string(), "the PDF is encrypted: save a copy without a password");
    assert_eq!(read("a.pdf", include_bytes!("files/owner_only.pdf")).unwrap().text, "Read with care");
}

#[test]
fn an_encrypted_office_document_says_so() {
    let mut package = docx(&paragraph("", "words"));
    // The mark of encryption in both heads of each part.
    for (mark, offset) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let places: Vec<_> = (0..package.len() - 4).filter(|at| &package[*at..at + 4] == mark).collect();
        places.iter().for_each(|at| package[at + offset] |= 1);
    }
    assert_eq!(read("a.docx", &package), Err(KnowledgeError::Encrypted { format: Format::Docx }));
}

#[test]
fn entities_are_never_expanded() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
        <w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&lol2;</w:t></w:r></w:p></w:body></w:document>"#;
    let error = read("a.docx", &package(&[("word/document.xml", laughs.as_bytes())])).unwrap_err();
    assert!(error.to_string().contains("declares XML entities"), "{error}");
    let unknown = docx(&paragraph("", "a &unknown; &#x42; &amp; &#xD800; c"));
    assert_eq!(read("a.docx", &unknown).unwrap().text, "a  B &  c");
}

fn quick(name: &str, bytes: &[u8]) -> String {
    let begin = Instant::now();
    let text = read(name, bytes).map_or_else(|error| error.to_string(), |document| document.text);
    assert!(begin.elapsed() < Duration::from_secs(20), "{name} took {:?}", begin.elapsed());
    text
}

#[test]
fn depth_costs_nothing() {
    let deep = |open: &str, close: &str| format!("{}deep{}", open.repeat(100_000), close.repeat(100_000));
    for (open, close) in [
        ("<div>", "</div>"),
        ("<ul><li>", "</li></ul>"),
        ("<table><tr><td>", "</table>"),
        ("<b>", ""),
        ("<p hidden>", ""),
    ] {
        let text = quick("a.html", deep(open, close).as_bytes());
        assert_eq!(text == "deep", open != "<p hidden>", "{open}");
    }
    assert!(quick("a.md", deep("> ", "").as_bytes()).contains("deep"));
    quick("a.md", deep("[", "](x)").as_bytes());
    quick("a.md", deep("*a **b ", "").as_bytes());
    quick("a.docx", &docx(&deep("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>")));
    quick("a.pptx", &pptx(&[("", &deep("<p:grpSp>", "</p:grpSp>"), "")]));
    let arrays = format!("{}{} Tj", "[".repeat(100_000), "]".repeat(100_000));
    quick("a.pdf", &pdf(&[&arrays], ""));
}

#[test]
fn a_pdf_that_refers_to_itself_ends() {
    let form = String::from_utf8(pdf(&["/X Do"], "")).unwrap();
    let itself = form
        .replace("/Font <<", "/XObject << /X 6 0 R >> /Font <<")
        .replace("<< /Length 5", "<< /Subtype /Form /BBox [0 0 9 9] /Length 5");
    quick("a.pdf", itself.as_bytes());
    let kids = form.replace("/Kids [5 0 R ]", "/Kids [2 0 R 2 0 R]");
    quick("a.pdf", kids.as_bytes());
}

#[test]
fn tricks_in_titles_are_undone() {
    let title = |name: &str, bytes: &[u8]| read(name, bytes).unwrap().title.unwrap();
    let trick = "Pay\u{202e}gnp.exe\u{202c} \u{200b}now\u{2066}";
    assert_eq!(title("a.html", format!("<title>{trick}\n!</title>x").as_bytes()), "Paygnp.exe now !");
    assert_eq!(title("a.md", format!("# {trick}").as_bytes()), "Paygnp.exe now");
    assert_eq!(title("a.docx", &docx(&paragraph("Titel", trick))), "Paygnp.exe now");
    assert_eq!(title("a.eml", &mail(trick, "b", &[])), "Paygnp.exe now");
    let named = mail("s", "b", &[("a\u{202e}txt.exe", "text/plain", b"words")]);
    assert!(read("a.eml", &named).unwrap().text.contains("\n\natxt.exe\n\n"));
}

#[test]
fn one_damaged_part_does_not_hide_the_others() {
    let broken = shape("", "</a:wrong>");
    let good = shape("title", "good");
    let document = read("a.pptx", &pptx(&[("", &broken, ""), ("", &good, "")])).unwrap();
    assert_eq!(document.text, "good");
    assert!(document.warnings.iter().any(|warning| warning.to_string().starts_with("slide 1 was left out")));
    let document =
        read("a.xlsx", &xlsx(&[("bad", "", "<row><c></row>"), ("fine", "", "<row><c><v>7</v></c></row>")], ""))
            .unwrap();
    assert!(document.text.ends_with("fine\n\n7"), "{}", document.text);
    assert_eq!(document.warnings.len(), 1);
}

#[test]
fn an_archive_that_is_no_document_is_named() {
    let error = read("a.docx", &package(&[("readme.txt", b"x")])).unwrap_err();
    assert_eq!(error, KnowledgeError::Unsupported { found: "a zip archive".to_owned() });
}

#[test]
fn warnings_are_bounded() {
    let slides = vec![(r#"show="0""#, "", ""); 300];
    let document = read("a.pptx", &pptx(&slides)).unwrap();
    assert_eq!((document.warnings.len(), document.warnings.last()), (101, Some(&Warning::More)));
}
