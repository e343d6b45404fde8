//! Which format a document is of: what the bytes show counts most, then the name, then the declared media type.

use serde::{Deserialize, Serialize};

use super::document::Warning;
use super::draft::Draft;
use super::{decode, package};
use crate::KnowledgeError;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown, CommonMark with tables.
    Markdown,
    /// HTML.
    Html,
    /// Comma-, semicolon- or tab-separated values.
    Csv,
    /// A mail, RFC 5322 with MIME.
    Eml,
    /// PDF.
    Pdf,
    /// A text document of Office Open XML.
    Docx,
    /// A workbook of Office Open XML.
    Xlsx,
    /// A presentation of Office Open XML.
    Pptx,
}

impl Format {
    /// The format that a file's name says, where it is one that is read.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        of_extension(name.rsplit_once('.')?.1)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Text => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Csv => "CSV",
            Self::Eml => "mail",
            Self::Pdf => "PDF",
            Self::Docx => "DOCX",
            Self::Xlsx => "XLSX",
            Self::Pptx => "PPTX",
        })
    }
}

/// What is said about a document from outside of it. All of it may be wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Its media type, with parameters such as `charset`.
    pub media_type: Option<String>,
    /// Its file name.
    pub name: Option<String>,
}

impl Declared {
    /// A document of which only the name is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { media_type: None, name: Some(name.into()) }
    }

    /// The `charset` of the media type.
    pub(super) fn charset(&self) -> Option<&str> {
        let parameters = self.media_type.as_deref()?.split(';').skip(1);
        let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
        let (_, value) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
        Some(value.trim().trim_matches('"'))
    }

    /// What the name says, else the media type: many senders call every text `text/plain`.
    fn format(&self) -> Option<Format> {
        let named = self.name.as_deref().and_then(Format::of_name);
        named.or_else(|| of_media_type(self.media_type.as_deref()?))
    }
}

fn of_extension(extension: &str) -> Option<Format> {
    Some(match extension.to_ascii_lowercase().as_str() {
        "txt" | "text" | "log" => Format::Text,
        "md" | "markdown" | "mdown" | "mkd" => Format::Markdown,
        "html" | "htm" | "xhtml" => Format::Html,
        "csv" | "tsv" | "tab" => Format::Csv,
        "eml" => Format::Eml,
        "pdf" => Format::Pdf,
        "docx" | "docm" | "dotx" => Format::Docx,
        "xlsx" | "xlsm" | "xltx" => Format::Xlsx,
        "pptx" | "pptm" | "ppsx" | "potx" => Format::Pptx,
        _ => return None,
    })
}

fn of_media_type(media_type: &str) -> Option<Format> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(match essence.as_str() {
        "text/plain" => Format::Text,
        "text/markdown" | "text/x-markdown" => Format::Markdown,
        "text/html" | "application/xhtml+xml" => Format::Html,
        "text/csv" | "application/csv" | "text/tab-separated-values" => Format::Csv,
        "message/rfc822" | "message/global" => Format::Eml,
        "application/pdf" | "application/x-pdf" => Format::Pdf,
        office if office.contains("wordprocessingml") => Format::Docx,
        office if office.contains("spreadsheetml") => Format::Xlsx,
        office if office.contains("presentationml") => Format::Pptx,
        _ => return None,
    })
}

/// The format that a document is read as; a warning where that is not what was declared.
pub(super) fn detect(bytes: &[u8], declared: &Declared, draft: &mut Draft<'_>) -> Result<Format, KnowledgeError> {
    let said = declared.format();
    let found = match of_signature(bytes, said, draft)? {
        Some(found) => found,
        None => of_text(bytes, said)?,
    };
    match said {
        Some(said) if said != found => draft.warn(Warning::DeclaredOtherwise { declared: said, found }),
        _ => {}
    }
    Ok(found)
}

/// Beginnings of files that are no text.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"{\\rtf", "a rich text file (RTF)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"\xfd7zXZ", "a compressed file"),
    (b"Rar!", "a compressed archive"),
    (b"%!PS", "a PostScript file"),
    (b"\x7fELF", "a program"),
];
const COMPOUND_FILE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// The name of the stream in which an encrypted Office document lies, in UTF-16.
const ENCRYPTED_PACKAGE: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";
/// Readers of PDF look this far for its mark.
const PDF_MARK_WITHIN: usize = 1024;

fn of_signature(bytes: &[u8], said: Option<Format>, draft: &Draft<'_>) -> Result<Option<Format>, KnowledgeError> {
    let head = bytes.get(..PDF_MARK_WITHIN).unwrap_or(bytes);
    let unsupported = |found: &str| Err(KnowledgeError::Unsupported { found: found.to_owned() });
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return package::format(bytes, draft.limits()).map(Some);
    }
    if bytes.starts_with(COMPOUND_FILE) {
        return match bytes.windows(ENCRYPTED_PACKAGE.len()).any(|window| window == ENCRYPTED_PACKAGE) {
            true => Err(KnowledgeError::Encrypted { format: said.unwrap_or(Format::Docx) }),
            false => unsupported("an Office file of the old kind (DOC, XLS, PPT, MSG)"),
        };
    }
    if let Some((_, found)) = SIGNATURES.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return unsupported(found);
    }
    // A text may speak of PDF; a PDF has little before its mark, and control bytes soon after.
    let mark = head.windows(5).position(|window| window == b"%PDF-");
    Ok(mark
        .filter(|at| *at == 0 || !looks_like_text(bytes.get(..4 * PDF_MARK_WITHIN).unwrap_or(bytes)))
        .map(|_| Format::Pdf))
}

/// Bytes without a signature are text of some kind, or nothing that is read here.
fn of_text(bytes: &[u8], said: Option<Format>) -> Result<Format, KnowledgeError> {
    let head = bytes.get(..4096).unwrap_or(bytes);
    // A mail may carry bytes of any kind.
    if said == Some(Format::Eml)
        || is_mail(&String::from_utf8_lossy(head))
            && !matches!(said, Some(Format::Text | Format::Markdown | Format::Html | Format::Csv))
    {
        return Ok(Format::Eml);
    }
    if decode::utf16(bytes).is_none() && !looks_like_text(head) {
        return Err(KnowledgeError::Unsupported { found: "a file of no known kind".to_owned() });
    }
    Ok(match said {
        Some(said @ (Format::Text | Format::Markdown | Format::Html | Format::Csv | Format::Eml)) => said,
        _ => sniff(head),
    })
}

/// Text has no NUL, and few control characters but line ends and tabs.
fn looks_like_text(head: &[u8]) -> bool {
    let controls = head.iter().filter(|byte| matches!(byte, 1..=8 | 0x0e..=0x1a | 0x1c..=0x1f)).count();
    !head.contains(&0) && controls * 50 <= head.len()
}

fn sniff(head: &[u8]) -> Format {
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |word: &str| start.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
    if begins("<!doctype html") || begins("<html") || begins("<head") || begins("<body") {
        return Format::Html;
    }
    Format::Text
}

/// A mail begins with several header lines, some of which every mail has.
fn is_mail(text: &str) -> bool {
    const USUAL: &[&str] = &["from", "to", "subject", "date", "received", "message-id", "mime-version", "return-path"];
    let headers = text.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with([' ', '\t']));
    let names: Vec<String> =
        headers.map_while(|line| line.split_once(':')).map(|(name, _)| name.to_ascii_lowercase()).take(40).collect();
    USUAL.iter().filter(|usual| names.iter().any(|name| name == *usual)).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Limits;

    fn found(bytes: &[u8], media_type: &str, name: &str) -> Result<Format, KnowledgeError> {
        let limits = Limits::default();
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let declared = Declared { media_type: some(media_type), name: some(name) };
        detect(bytes, &declared, &mut Draft::new(bytes.len(), &limits).unwrap())
    }

    #[test]
    fn bytes_count_more_than_names_and_names_more_than_types() {
        assert_eq!(found(b"%PDF-1.4 ...", "text/plain", "notes.txt"), Ok(Format::Pdf));
        assert_eq!(found(b"a;b\n1;2", "text/plain", "table.CSV"), Ok(Format::Csv));
        assert_eq!(found(b"# hi", "text/markdown; charset=utf-8", ""), Ok(Format::Markdown));
        assert_eq!(found(b"<!DOCTYPE HTML><p>", "", "download.pdf"), Ok(Format::Html));
        assert_eq!(found(b"From: a@b\nTo: c\nSubject: x\n\nhi", "", ""), Ok(Format::Eml));
        assert_eq!(found(b"A file that begins with %PDF-1.7 is a PDF.", "", "about.txt"), Ok(Format::Text));
        assert_eq!(found(b"", "", ""), Ok(Format::Text));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unsupported = |bytes: &[u8], word: &str| {
            let message = found(bytes, "", "a.pdf").unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        unsupported(b"\x89PNG\r\n\x1a\n", "picture");
        unsupported(b"\x01\x02\x03\x04\x05", "no known kind");
        unsupported(COMPOUND_FILE, "old kind");
        let locked = [COMPOUND_FILE, ENCRYPTED_PACKAGE].concat();
        assert!(matches!(found(&locked, "", "a.docx"), Err(KnowledgeError::Encrypted { .. })));
    }

    #[test]
    fn a_charset_is_found_among_parameters() {
        let charset = |media_type: &str| {
            let declared = Declared { media_type: Some(media_type.to_owned()), name: None };
            declared.charset().map(str::to_owned)
        };
        assert_eq!(charset("text/plain; format=flowed; Charset=\"GB18030\"").as_deref(), Some("GB18030"));
        assert_eq!(charset("text/plain"), None);
    }
}
