//! What each format becomes: one small document of each, in full.

use expect_test::{Expect, expect};

use super::build::{docx, line, mail, paragraph, pdf, pptx, read, shape, show, xlsx};

fn check(name: &str, bytes: &[u8], expected: Expect) {
    expected.assert_eq(&show(&read(name, bytes).unwrap()));
}

#[test]
fn plain_text_becomes_paragraphs() {
    check(
        "a.txt",
        "One line\nand its second.\r\n\r\n\r\nAnother.\n\u{c}A new page.".as_bytes(),
        expect![[r#"
        title: -
        p: One line\nand its second.
        p: Another.
        p: A new page.
    "#]],
    );
}

#[test]
fn markdown_keeps_headings_lists_tables_and_code() {
    let text = "---\ntitle: \"The Handbook\"\n---\n# Leave\n\nTake *some* [days](http://x) off\nwhen tired.\n\n\
        - one\n  more of one\n- two\n  - inner\n\n1. first\n\n   with a paragraph\n\n| Kind | Days |\n|---|---|\n| Sick | 10 |\n\n\
        ```rust\nfn main() {\n    go();\n}\n```\n\nSub\n---\n<div>raw <b>html</b></div>\n\nend[^1]\n\n[^1]: a note\n";
    check(
        "a.md",
        text.as_bytes(),
        expect![[r#"
        title: The Handbook
        h1: Leave
        p: Take some days off\nwhen tired.
        item: one\nmore of one
        item: two
        item: inner
        item: first
        p: with a paragraph
        columns: Kind | Days
        row: Sick | 10
        code: fn main() {\n    go();\n}
        h2: Sub
        p: raw html
        p: end
        p: a note
    "#]],
    );
}

#[test]
fn html_is_what_a_reader_sees() {
    let html =
        "<!doctype html><html><head><title>A &amp; B</title><style>p{}</style><script>var x='<p>no</p>'</script></head>
        <body><h1>Top</h1><p>One <b>bold</b>\n   word.<p>Two<br>lines
        <ul><li>first<li><p>second</p></ul><div hidden>secret<div>deeper</div></div><p style='display: none'>unseen
        <p>seen<table><tr><th>Kind</th><th>Days</th></tr><tr><td>Sick<td><p>10</p></tr></table>
        <pre>  kept\n    as is</pre><noscript>no</noscript><img alt='a chart'>&copy; 2026";
    check(
        "a.html",
        html.as_bytes(),
        expect![[r#"
        title: A & B
        h1: Top
        p: One bold word.
        p: Two\nlines
        item: first
        item: second
        p: seen
        columns: Kind | Days
        row: Sick | 10
        code:   kept\n    as is
        p: a chart © 2026
    "#]],
    );
}

#[test]
fn a_table_that_arranges_a_page_is_no_table() {
    let html = "<table><tr><td><h2>News</h2><p>Text</td><td><table><tr><td>a<td>b</table></td></tr></table>";
    check(
        "a.html",
        html.as_bytes(),
        expect![[r#"
        title: -
        h2: News
        p: Text
        columns: a | b
    "#]],
    );
}

#[test]
fn csv_becomes_rows() {
    check(
        "a.csv",
        "Name;Days;Note\nAda;1,5;\"two\nlines; one cell\"\n;;\nBob;2".as_bytes(),
        expect![[r#"
        title: -
        columns: Name | Days | Note
        row: Ada | 1,5 | two lines; one cell
        row: Bob | 2
    "#]],
    );
}

#[test]
fn docx_keeps_styles_lists_tables_and_leaves_out_what_is_deleted() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph("", text));
    let body = [
        paragraph("Titel", "Handbook"),
        paragraph("Own", "Leave"),
        "<w:p><w:r><w:t xml:space=\"preserve\">Take </w:t></w:r><w:del><w:r><w:delText>no</w:delText></w:r></w:del>\
         <w:ins><w:r><w:t>some &amp; more</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>\
         <w:r><w:tab/><w:t>days.</w:t></w:r></w:p>"
            .to_owned(),
        "<w:p><w:pPr><w:numPr/><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>item</w:t></w:r></w:p>".to_owned(),
        format!(
            "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
            cell("Kind"),
            cell("Days"),
            cell("Sick"),
            cell("10")
        ),
        "<w:p><w:pPr><w:outlineLvl w:val=\"1\"/></w:pPr><w:r><w:t>Below</w:t></w:r></w:p>".to_owned(),
    ];
    check(
        "a.docx",
        &docx(&body.concat()),
        expect![[r#"
        title: Handbook
        h1: Handbook
        h1: Leave
        p: Take some & more	days.
        item: item
        columns: Kind | Days
        row: Sick | 10
        h2: Below
    "#]],
    );
}

#[test]
fn xlsx_shows_dates_shares_and_gaps_and_leaves_out_hidden_sheets() {
    let rows = r#"<row><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>Days</t></is></c></row>
        <row><c r="A2" s="1"><v>45000</v></c><c r="B2"><v>0.30000000000000004</v></c><c r="D2" s="2"><v>0.125</v></c></row>
        <row/><row><c r="A4" t="b"><v>1</v></c><c r="B4" t="e"><v>#REF!</v></c><c r="XFD4" t="str"><v>far</v></c></row>"#;
    let shared = "<si><r><t>Da</t></r><r><t>te</t></r><rPh><t>unspoken</t></rPh></si>";
    let sheets = [("Leave &lt;1&gt;", "", rows), ("Secret", r#"state="hidden""#, rows)];
    check(
        "a.xlsx",
        &xlsx(&sheets, shared),
        expect![[r#"
        title: Figures & facts
        h2 page 1: Leave <1>
        columns page 1: Date | Days
        row page 1: 2023-03-15 | 0.3 |  | 12.5%
        row page 1: TRUE | #REF! |  | far
        warning: the hidden part 'Secret' was left out
    "#]],
    );
}

#[test]
fn pptx_puts_titles_first_and_notes_last() {
    let table = "<p:graphicFrame><a:tbl><a:tr><a:tc><a:p><a:r><a:t>Kind</a:t></a:r></a:p></a:tc>\
        <a:tc><a:p><a:r><a:t>Days</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:graphicFrame>";
    let shapes =
        [shape("body", "a point"), shape("title", "First"), shape("", "a box"), shape("sldNum", "1"), table.to_owned()];
    let notes = [shape("sldImg", "x"), shape("body", "say this"), shape("sldNum", "1")];
    let slides = [("", shapes.concat(), notes.concat()), (r#"show="0""#, shape("title", "Hidden"), String::new())];
    let slides: Vec<_> = slides.iter().map(|(a, b, c)| (*a, b.as_str(), c.as_str())).collect();
    check(
        "a.pptx",
        &pptx(&slides),
        expect![[r#"
        title: -
        h2 page 1: First
        item page 1: a point
        p page 1: a box
        columns page 1: Kind | Days
        p page 1: say this
        warning: the hidden part 'slide 2' was left out
    "#]],
    );
}

#[test]
fn pdf_lines_become_headings_paragraphs_items_and_rows() {
    let page = |number: u32| {
        [
            line("F1", 8, 50, 780, "Company confidential"),
            line("F2", 20, 50, 715, &format!("Part {number}")),
            line("F1", 10, 50, 690, "A paragraph goes over"),
            line("F1", 10, 50, 678, "two lines of well-"),
            line("F1", 10, 50, 666, "known text."),
            line("F1", 10, 50, 640, "Another one."),
            line("F1", 10, 60, 610, "\\267 an item"),
            line("F1", 10, 50, 580, "Kind") + &line("F1", 10, 300, 580, "Days"),
            line("F1", 10, 50, 568, "Sick") + &line("F1", 10, 300, 568, "10"),
            line("F1", 8, 300, 20, &format!("Page {number} of 12")),
        ]
        .concat()
    };
    let pages: Vec<String> = (1..=3).map(page).collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    check(
        "a.pdf",
        &pdf(&pages, "/Title (Pr\\344sentation)"),
        expect![[r#"
        title: Präsentation
        h1 page 1: Part 1
        p page 1: A paragraph goes over two lines of well-known text.
        p page 1: Another one.
        item page 1: • an item
        columns page 1: Kind | Days
        row page 1: Sick | 10
        h1 page 2: Part 2
        p page 2: A paragraph goes over two lines of well-known text.
        p page 2: Another one.
        item page 2: • an item
        columns page 2: Kind | Days
        row page 2: Sick | 10
        h1 page 3: Part 3
        p page 3: A paragraph goes over two lines of well-known text.
        p page 3: Another one.
        item page 3: • an item
        columns page 3: Kind | Days
        row page 3: Sick | 10
    "#]],
    );
}

#[test]
fn a_mail_holds_its_letterhead_and_what_is_attached() {
    let attached: [(&str, &str, &[u8]); 4] = [
        ("notes.md", "application/octet-stream", b"# Notes\n\ntext"),
        ("logo.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("inner.eml", "message/rfc822", b"From: c@example.org\r\nSubject: Inner\r\n\r\nhello"),
        ("broken.pdf", "application/pdf", b"%PDF-1.4 nothing"),
    ];
    let mail = mail("=?utf-8?q?Leave_f=C3=BCr_2026?=", "Dear Bob,\r\n\r\nsee below.", &attached);
    check(
        "a.eml",
        &mail,
        expect![[r#"
        title: Leave für 2026
        h1: Leave für 2026
        p: From: Ada <ada@example.org>\nTo: bob@example.org\nDate: 2026-11-02T10:00:00+01:00
        p: Dear Bob,
        p: see below.
        h1: notes.md
        h2: Notes
        p: text
        h1: inner.eml
        h2: Inner
        p: From: c@example.org
        p: hello
        warning: the attachment 'logo.png' was left out: a picture cannot be read: save it as PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV, EML or plain text
        warning: the attachment 'broken.pdf' was left out: the PDF is damaged (it has no pages that can be found): open it in the program that made it and save it again
    "#]],
    );
}

#[test]
fn a_mail_of_html_alone_is_read_as_html() {
    let mail = b"From: a@example.org\r\nSubject: s\r\nContent-Type: text/html\r\n\r\n<h1>Top</h1><p>One<p>Two<script>x</script>";
    check(
        "a.eml",
        mail,
        expect![[r#"
        title: s
        h1: s
        p: From: a@example.org
        h1: Top
        p: One
        p: Two
    "#]],
    );
}
