//! SQL stands in `store` and nowhere else.

use super::Violation;
use super::tokens::{Kind, Token};
use super::tree::{SourceFile, Tree};

const HOME: &str = "store";
/// The first words of a statement, in the capitals that statements are written in here.
const OPENINGS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE UNIQUE ",
    "CREATE VIEW ",
    "CREATE TRIGGER ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "DROP INDEX ",
    "PRAGMA ",
    "VACUUM",
    "BEGIN ",
];

/// No statement in another crate's text, no `.sql` file in another crate's folder.
pub(super) fn only_in_store(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| file.package() != HOME) {
        if file.path.ends_with(".sql") {
            violations.push(Violation::at(&file.path, 0, "SQL files stand in crates/store"));
        }
        if file.path.ends_with(".rs") && file.package() != "xtask" {
            violations.extend(statements(file));
        }
    }
    violations
}

fn statements(file: &SourceFile) -> Vec<Violation> {
    let tokens = file.tokens();
    let is_statement = |index: &usize| match &tokens[*index].kind {
        Kind::Text(text) => {
            let text = text.trim_start_matches([' ', '\n', '\\']);
            !documents(tokens, *index) && OPENINGS.iter().any(|opening| text.starts_with(opening))
        }
        _ => false,
    };
    let found = (0..tokens.len()).filter(is_statement);
    found
        .map(|index| Violation::at(&file.path, tokens[index].line, "SQL is for crates/store: add a function there"))
        .collect()
}

/// Whether the text at `index` is a doc comment, which reads as `doc = "..."`.
fn documents(tokens: &[Token], index: usize) -> bool {
    index >= 2 && tokens[index - 1].is('=') && tokens[index - 2].word() == "doc"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        only_in_store(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_statement_outside_the_store_is_refused() {
        let statement = "fn a() { run(\"SELECT id FROM people\") }";
        assert_eq!(count("crates/app/src/a.rs", statement), 1);
        assert_eq!(count("crates/app/src/a.rs", "query!(r#\"\n  INSERT INTO a VALUES (1)\"#);"), 1);
        assert_eq!(count("crates/store/src/a.rs", statement), 0);
        assert_eq!(count("crates/app/migrations/1.sql", ""), 1);
    }

    #[test]
    fn sentences_are_not_statements() {
        assert_eq!(
            count("crates/app/src/a.rs", "/// SELECT reads.\nfn a() { say(\"Select a model from the list\") }"),
            0
        );
    }
}
