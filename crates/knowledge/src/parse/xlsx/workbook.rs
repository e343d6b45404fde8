//! What the sheets of a workbook share: their order and names, the texts of cells, and the formats of numbers.

use super::super::draft::Draft;
use super::super::package::Package;
use super::super::relations::{self, Relation};
use super::super::xml::{self, Piece};
use super::FORMAT;
use super::number::Shape;
use crate::KnowledgeError;

/// One sheet.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) part: String,
    pub(super) hidden: bool,
}

/// What the sheets share.
pub(super) struct Workbook {
    pub(super) sheets: Vec<Sheet>,
    pub(super) texts: Vec<String>,
    /// How a cell of each style shows a number.
    pub(super) shapes: Vec<Shape>,
    /// Days count from 1904 and not from 1900.
    pub(super) since_1904: bool,
}

impl Workbook {
    pub(super) fn read(package: &mut Package<'_>, draft: &mut Draft<'_>) -> Result<Self, KnowledgeError> {
        let main = relations::main_part(package, FORMAT, "xl/workbook.xml", draft)?;
        let relations = relations::of_part(package, FORMAT, &main, draft)?;
        let target = |kind: &str, usual: &str| {
            let found = relations.iter().find(|relation| relation.kind == kind);
            found.map_or_else(|| usual.to_owned(), |relation| relation.target.clone())
        };
        let texts = package.part(&target("sharedStrings", "xl/sharedStrings.xml"), draft)?;
        let styles = package.part(&target("styles", "xl/styles.xml"), draft)?;
        let (sheets, since_1904) = sheets(&package.main_part(&main, draft)?, &relations)?;
        Ok(Self {
            sheets,
            texts: texts.map_or(Ok(Vec::new()), |xml| shared_texts(&xml))?,
            shapes: styles.map_or(Ok(Vec::new()), |xml| shapes(&xml))?,
            since_1904,
        })
    }
}

fn sheets(xml: &str, relations: &[Relation]) -> Result<(Vec<Sheet>, bool), KnowledgeError> {
    let (mut sheets, mut since_1904) = (Vec::new(), false);
    xml::walk(FORMAT, xml, |piece| {
        let Piece::Open(tag) = piece else { return Ok(()) };
        if tag.name() == "workbookPr" {
            since_1904 = matches!(tag.attribute("date1904").as_deref(), Some("1" | "true"));
        }
        let relation = tag.prefixed("id").and_then(|id| relations.iter().find(|relation| relation.id == id));
        if let (Some(relation), "sheet") = (relation, tag.name())
            && relation.kind == "worksheet"
        {
            sheets.push(Sheet {
                name: tag.attribute("name").unwrap_or_default(),
                part: relation.target.clone(),
                hidden: tag.attribute("state").is_some_and(|state| state != "visible"),
            });
        }
        Ok(())
    })?;
    Ok((sheets, since_1904))
}

/// The texts that cells refer to by their place. How a text is pronounced is no part of it.
fn shared_texts(xml: &str) -> Result<Vec<String>, KnowledgeError> {
    let mut texts = Vec::new();
    let (mut text, mut in_text, mut in_phonetic) = (String::new(), false, false);
    xml::walk(FORMAT, xml, |piece| {
        match piece {
            Piece::Open(tag) => match tag.name() {
                "t" => in_text = !in_phonetic,
                "rPh" => in_phonetic = true,
                _ => {}
            },
            Piece::Close("t") => in_text = false,
            Piece::Close("rPh") => in_phonetic = false,
            Piece::Close("si") => texts.push(std::mem::take(&mut text)),
            Piece::Text(piece) if in_text => text.push_str(&piece),
            _ => {}
        }
        Ok(())
    })?;
    Ok(texts)
}

/// How cells of each style show a number.
fn shapes(xml: &str) -> Result<Vec<Shape>, KnowledgeError> {
    let (mut own, mut shapes, mut in_cells) = (Vec::new(), Vec::new(), false);
    xml::walk(FORMAT, xml, |piece| {
        match piece {
            Piece::Open(tag) if tag.name() == "numFmt" => {
                let id = tag.attribute("numFmtId").unwrap_or_default();
                own.push((id, Shape::of_code(&tag.attribute("formatCode").unwrap_or_default())));
            }
            Piece::Open(tag) if tag.name() == "cellXfs" => in_cells = true,
            Piece::Close("cellXfs") => in_cells = false,
            Piece::Open(tag) if in_cells && tag.name() == "xf" => {
                let id = tag.attribute("numFmtId").unwrap_or_default();
                let found = own.iter().find(|(own, _)| *own == id).map(|(_, shape)| *shape);
                shapes.push(found.unwrap_or_else(|| Shape::of_id(id.parse().unwrap_or(0))));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(shapes)
}
