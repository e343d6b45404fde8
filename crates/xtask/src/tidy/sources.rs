//! Nothing unfinished is committed: what must wait is left out whole.

use super::Violation;
use super::tree::{SourceFile, Tree};

/// Spelled in halves, so that this file passes its own rule.
const MARKERS: &[(&str, &str)] = &[("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("HA", "CK:")];
const MACROS: &[&str] = &["todo", "unimplemented"];

/// No marker of unfinished work, no macro that panics in its place.
pub(super) fn unfinished(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| is_source(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if MARKERS.iter().any(|(first, second)| line.contains(&format!("{first}{second}"))) {
                violations.push(Violation::at(
                    &file.path,
                    index + 1,
                    "marks unfinished work: finish it, or leave it out",
                ));
            }
        }
    }
    for file in tree.rust_files() {
        for pair in file.tokens().windows(2).filter(|pair| pair[1].is('!') && MACROS.contains(&pair[0].word())) {
            violations.push(Violation::at(
                &file.path,
                pair[0].line,
                "panics in place of work: finish it, or leave it out",
            ));
        }
    }
    violations
}

fn is_source(file: &SourceFile) -> bool {
    [".rs", ".sh", ".py", ".sql", ".toml", ".md"].iter().any(|end| file.path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_is_refused() {
        for (path, text) in [
            ("crates/a/src/b.rs", "// TO DO: later".replace("TO ", "TO")),
            ("scripts/a.sh", "# FIX ME".replace(' ', "")),
            ("crates/a/src/b.rs", "fn a() { todo!() }".to_owned()),
        ] {
            assert_eq!(unfinished(&Tree::of(&[(path, &text)])).len(), 1, "{text}");
        }
        assert!(unfinished(&Tree::of(&[("crates/a/src/b.rs", "fn todo_list() {} // toDOs")])).is_empty());
    }
}
