//! The zip package of an office document.
//! INVARIANT: what is unpacked is counted while it is read; the sizes that the package states are never asked.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::draft::Draft;
use super::{Format, Limits, xml};
use crate::KnowledgeError;

/// An open package.
pub(super) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    format: Format,
}

impl<'b> Package<'b> {
    /// Opens a package.
    pub(super) fn open(bytes: &'b [u8], format: Format, limits: &Limits) -> Result<Self, KnowledgeError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| KnowledgeError::malformed(format, error))?;
        limits.check_parts(archive.len())?;
        Ok(Self { archive, format })
    }

    /// The text of one XML part; nothing where there is no such part.
    pub(super) fn part(&mut self, name: &str, draft: &mut Draft<'_>) -> Result<Option<String>, KnowledgeError> {
        let format = self.format;
        let part = match self.archive.by_name(name.trim_start_matches('/')) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::InvalidPassword) => return Err(KnowledgeError::Encrypted { format }),
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(KnowledgeError::Encrypted { format });
            }
            Err(error) => return Err(KnowledgeError::malformed(format, error)),
        };
        let mut unpacked = Vec::new();
        // One byte more than allowed is enough to know that there are too many.
        let mut bounded = part.take(draft.unpacked_left().saturating_add(1));
        let read = bounded.read_to_end(&mut unpacked);
        draft.spend_unpacked(unpacked.len() as u64)?;
        read.map_err(|error| KnowledgeError::malformed(format, error))?;
        Ok(Some(xml::decode(&unpacked)))
    }

    /// The text of a part without which there is no document.
    pub(super) fn main_part(&mut self, name: &str, draft: &mut Draft<'_>) -> Result<String, KnowledgeError> {
        let format = self.format;
        self.part(name, draft)?.ok_or_else(|| KnowledgeError::malformed(format, format_args!("{name} is missing")))
    }
}

/// Which office document a package holds.
pub(super) fn format(bytes: &[u8], limits: &Limits) -> Result<Format, KnowledgeError> {
    const FOLDERS: [(&str, Format); 3] = [("word/", Format::Docx), ("xl/", Format::Xlsx), ("ppt/", Format::Pptx)];
    let unsupported = || KnowledgeError::Unsupported { found: "a zip archive".to_owned() };
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| unsupported())?;
    limits.check_parts(archive.len())?;
    let mut names = archive.file_names().filter_map(Result::ok);
    let found = names.find_map(|name| FOLDERS.iter().find(|(folder, _)| name.starts_with(folder)));
    found.map(|(_, format)| *format).ok_or_else(unsupported)
}
