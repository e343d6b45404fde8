//! Small documents, built byte by byte.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use knowledge::KnowledgeError;
use knowledge::parse::{BlockKind, Declared, Limits, ParsedDocument, parse};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Reads a document of which the name is known, within the usual limits.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<ParsedDocument, KnowledgeError> {
    parse(bytes, &Declared::named(name), &Limits::default())
}

/// The text of one block.
pub(super) fn text_of(document: &ParsedDocument, block: usize) -> String {
    let block = &document.blocks[block];
    document.text.chars().skip(block.start as usize).take((block.end - block.start) as usize).collect()
}

/// A document as lines: its title, each block with its kind and page, each warning.
pub(super) fn show(document: &ParsedDocument) -> String {
    let mut shown = format!("title: {}\n", document.title.as_deref().unwrap_or("-"));
    for (place, block) in document.blocks.iter().enumerate() {
        let kind = match block.kind {
            BlockKind::Heading(level) => format!("h{level}"),
            BlockKind::Paragraph => "p".to_owned(),
            BlockKind::ListItem => "item".to_owned(),
            BlockKind::TableHeader => "columns".to_owned(),
            BlockKind::TableRow => "row".to_owned(),
            BlockKind::Code => "code".to_owned(),
        };
        let page = block.page.map_or_else(String::new, |page| format!(" page {page}"));
        let _ = writeln!(shown, "{kind}{page}: {}", text_of(document, place).replace('\n', "\\n"));
    }
    for warning in &document.warnings {
        let _ = writeln!(shown, "warning: {warning}");
    }
    shown
}

/// A zip file of these parts.
pub(super) fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn relations(of: &[(&str, &str, &str)]) -> String {
    let each = of
        .iter()
        .map(|(id, kind, target)| format!(r#"<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"/>"#));
    format!("<Relationships>{}</Relationships>", each.collect::<String>())
}

fn core(title: &str) -> String {
    format!(r#"<cp:coreProperties xmlns:dc="d"><dc:title>{title}</dc:title></cp:coreProperties>"#)
}

/// A text document with this body.
pub(super) fn docx(body: &str) -> Vec<u8> {
    let document = format!(r#"<?xml version="1.0"?><w:document xmlns:w="w"><w:body>{body}</w:body></w:document>"#);
    let styles = r#"<w:styles xmlns:w="w">
        <w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
        <w:style w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="berschrift1"/></w:style>
        <w:style w:styleId="Titel"><w:name w:val="Title"/></w:style></w:styles>"#;
    let main = relations(&[("r1", "officeDocument", "word/document.xml")]);
    package(&[
        ("_rels/.rels", main.as_bytes()),
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
    ])
}

/// A paragraph of a text document.
pub(super) fn paragraph(style: &str, text: &str) -> String {
    let style = if style.is_empty() { String::new() } else { format!(r#"<w:pPr><w:pStyle w:val="{style}"/></w:pPr>"#) };
    format!("<w:p>{style}<w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A workbook of sheets: name, attributes, and rows in XML.
pub(super) fn xlsx(sheets: &[(&str, &str, &str)], shared: &str) -> Vec<u8> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let (mut list, mut targets) = (String::new(), Vec::new());
    for (number, (name, attributes, rows)) in sheets.iter().enumerate() {
        let _ = write!(list, r#"<sheet name="{name}" r:id="r{number}" {attributes}/>"#);
        targets.push((format!("r{number}"), format!("worksheets/sheet{number}.xml")));
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        parts.push((format!("xl/worksheets/sheet{number}.xml"), sheet));
    }
    let targets: Vec<_> = targets.iter().map(|(id, target)| (id.as_str(), "worksheet", target.as_str())).collect();
    let styles = r#"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="dd/mm/yyyy"/></numFmts>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="9"/></cellXfs></styleSheet>"#;
    parts.push(("xl/workbook.xml".to_owned(), format!("<workbook><sheets>{list}</sheets></workbook>")));
    parts.push(("xl/_rels/workbook.xml.rels".to_owned(), relations(&targets)));
    parts.push(("xl/sharedStrings.xml".to_owned(), format!("<sst>{shared}</sst>")));
    parts.push(("xl/styles.xml".to_owned(), styles.to_owned()));
    parts.push(("docProps/core.xml".to_owned(), core("Figures &amp; facts")));
    let parts: Vec<_> = parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    package(&parts)
}

/// A presentation of slides: attributes of the slide, its shapes, and its notes.
pub(super) fn pptx(slides: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let (mut list, mut targets) = (String::new(), Vec::new());
    for (number, (attributes, shapes, notes)) in slides.iter().enumerate() {
        let _ = write!(list, r#"<p:sldId id="{}" r:id="r{number}"/>"#, 256 + number);
        targets.push((format!("r{number}"), format!("slides/slide{number}.xml")));
        let slide = format!("<p:sld {attributes}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>");
        parts.push((format!("ppt/slides/slide{number}.xml"), slide));
        let notes_part = format!("../notesSlides/notesSlide{number}.xml");
        let rels = relations(&[("r1", "notesSlide", &notes_part)]);
        parts.push((format!("ppt/slides/_rels/slide{number}.xml.rels"), rels));
        parts.push((format!("ppt/notesSlides/notesSlide{number}.xml"), format!("<p:notes>{notes}</p:notes>")));
    }
    let targets: Vec<_> = targets.iter().map(|(id, target)| (id.as_str(), "slide", target.as_str())).collect();
    parts.push(("ppt/presentation.xml".to_owned(), format!("<p:presentation>{list}</p:presentation>")));
    parts.push(("ppt/_rels/presentation.xml.rels".to_owned(), relations(&targets)));
    let parts: Vec<_> = parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    package(&parts)
}

/// A shape of a slide with one paragraph.
pub(super) fn shape(placeholder: &str, text: &str) -> String {
    let placeholder = if placeholder.is_empty() {
        String::new()
    } else {
        format!(r#"<p:nvPr><p:ph type="{placeholder}"/></p:nvPr>"#)
    };
    format!("<p:sp>{placeholder}<a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sp>")
}

/// A PDF of pages with these content streams; `F1` is Helvetica and `F2` its bold form.
pub(super) fn pdf(pages: &[&str], information: &str) -> Vec<u8> {
    let count = pages.len();
    let kids: String = (0..count).map(|page| format!("{} 0 R ", 5 + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>".to_owned(),
    ];
    for (page, content) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
            6 + 2 * page
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    objects.push(format!("<< {information} >>"));
    let mut bytes = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (number, object) in (1..).zip(&objects) {
        let _ = writeln!(places, "{:010} 00000 n ", bytes.len());
        let _ = write!(bytes, "{number} 0 obj\n{object}\nendobj\n");
    }
    let size = objects.len() + 1;
    let start = bytes.len();
    let _ = write!(
        bytes,
        "xref\n0 {size}\n0000000000 65535 f \n{places}trailer\n<< /Size {size} /Root 1 0 R /Info {} 0 R >>\n\
         startxref\n{start}\n%%EOF\n",
        objects.len()
    );
    bytes.into_bytes()
}

/// One line of a content stream.
pub(super) fn line(font: &str, size: u32, x: u32, y: u32, text: &str) -> String {
    format!("BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n")
}

/// A mail with attachments: name, media type and bytes.
pub(super) fn mail(subject: &str, body: &str, attachments: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut mail = format!(
        "From: Ada <ada@example.org>\r\nTo: bob@example.org\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\nSubject: {subject}\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    )
    .into_bytes();
    for (name, media_type, bytes) in attachments {
        let head = format!(
            "--B\r\nContent-Type: {media_type}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n"
        );
        mail.extend(head.bytes());
        // Lines of base64 would hide what a test shows; binary attachments say so themselves.
        mail.extend(bytes.iter());
        mail.extend(b"\r\n");
    }
    mail.extend(b"--B--\r\n");
    mail
}
