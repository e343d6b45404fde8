//! How the parts of an office document refer to each other, and what they share: the title.

use super::Format;
use super::draft::Draft;
use super::package::Package;
use super::xml::{self, Piece};
use crate::KnowledgeError;

/// One reference from a part to another.
pub(super) struct Relation {
    /// By which the part names it.
    pub(super) id: String,
    /// The last word of its type: `slide`, `notesSlide`, `worksheet`.
    pub(super) kind: String,
    /// The name of the other part.
    pub(super) target: String,
}

/// The references of a part; none where it has none.
pub(super) fn of_part(
    package: &mut Package<'_>,
    format: Format,
    part: &str,
    draft: &mut Draft<'_>,
) -> Result<Vec<Relation>, KnowledgeError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let separator = if folder.is_empty() { "" } else { "/" };
    let mut relations = Vec::new();
    let Some(text) = package.part(&format!("{folder}{separator}_rels/{name}.rels"), draft)? else {
        return Ok(relations);
    };
    xml::walk(format, &text, |piece| {
        let Piece::Open(tag) = piece else { return Ok(()) };
        if tag.name() == "Relationship" && tag.attribute("TargetMode").as_deref() != Some("External") {
            let kind = tag.attribute("Type").unwrap_or_default();
            relations.push(Relation {
                id: tag.attribute("Id").unwrap_or_default(),
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: resolve(folder, &tag.attribute("Target").unwrap_or_default()),
            });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// The name of the document's main part, which may be another than the usual one.
pub(super) fn main_part(
    package: &mut Package<'_>,
    format: Format,
    usual: &str,
    draft: &mut Draft<'_>,
) -> Result<String, KnowledgeError> {
    let relations = of_part(package, format, "", draft)?;
    let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    Ok(main.map_or_else(|| usual.to_owned(), |relation| relation.target))
}

/// Proposes the title that the document's properties hold.
pub(super) fn title(package: &mut Package<'_>, format: Format, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let Some(text) = package.part("docProps/core.xml", draft)? else { return Ok(()) };
    let (mut inside, mut title) = (false, String::new());
    xml::walk(format, &text, |piece| {
        match piece {
            Piece::Open(tag) => inside = tag.name() == "title",
            Piece::Close(_) => inside = false,
            Piece::Text(text) if inside => title.push_str(&text),
            Piece::Text(_) => {}
        }
        Ok(())
    })?;
    draft.propose_title(&title);
    Ok(())
}

/// A target relative to a folder, as the name of a part.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => {
                steps.pop();
            }
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_relative_to_their_folder() {
        assert_eq!(resolve("ppt/slides", "../notesSlides/notesSlide1.xml"), "ppt/notesSlides/notesSlide1.xml");
        assert_eq!(resolve("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("xl", "/xl/worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("", "../../../etc/passwd"), "etc/passwd");
    }
}
