//! XLSX: each sheet under its name, each row on a line. Hidden sheets stay out.

mod number;
mod sheet;
mod workbook;

use super::document::{BlockKind, Warning};
use super::draft::Draft;
use super::package::Package;
use super::pptx::leave_out;
use super::{Format, relations};
use crate::KnowledgeError;
use workbook::Workbook;

const FORMAT: Format = Format::Xlsx;

/// Reads a workbook.
pub(super) fn read(bytes: &[u8], draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut package = Package::open(bytes, FORMAT, draft.limits())?;
    relations::title(&mut package, FORMAT, draft)?;
    let workbook = Workbook::read(&mut package, draft)?;
    draft.limits().check_pages(workbook.sheets.len())?;
    for (sheet, number) in workbook.sheets.iter().zip(1..) {
        draft.set_page(Some(number));
        if sheet.hidden {
            draft.warn(Warning::Hidden { name: sheet.name.clone() });
            continue;
        }
        draft.push(BlockKind::Heading(2), &sheet.name)?;
        if let Err(error) = sheet::read(&mut package, &sheet.part, &workbook, draft) {
            leave_out(sheet.name.clone(), error, draft)?;
        }
    }
    draft.set_page(None);
    Ok(())
}
