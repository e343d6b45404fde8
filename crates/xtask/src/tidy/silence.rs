//! Who may silence a lint. clippy holds lengths and panics; this rule keeps its `allow`s from spreading.

use super::Violation;
use super::tree::{SourceFile, Tree};

/// A lint and the places where product code may silence it; test code may silence any.
const SILENCEABLE: &[(&str, &[&str])] = &[
    ("unwrap_used", &[]),
    ("expect_used", &[]),
    ("panic", &[]),
    ("todo", &[]),
    ("dbg_macro", &[]),
    ("undocumented_unsafe_blocks", &[]),
    ("unsafe_op_in_unsafe_fn", &[]),
    ("dead_code", &[]),
    ("print_stdout", &["crates/freehold/src/", "crates/xtask/src/"]),
    ("print_stderr", &["crates/freehold/src/", "crates/xtask/src/"]),
    ("too_many_lines", &["/src/answer.rs", "/src/improve.rs", "/src/main.rs", "crates/trainer/src/train.rs"]),
];

/// The lints above are silenced only where the table says.
pub(super) fn silenced_lints(tree: &Tree) -> Vec<Violation> {
    tree.rust_files().filter(|file| !file.is_test()).flat_map(silenced_in).collect()
}

fn silenced_in(file: &SourceFile) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut silencing = false;
    for token in file.product_tokens() {
        match token.word() {
            "allow" | "expect" => silencing = true,
            word => {
                let entry = SILENCEABLE.iter().find(|(lint, _)| silencing && *lint == word);
                if let Some((lint, places)) = entry
                    && !places.iter().any(|place| file.path.contains(place))
                {
                    let message = format!("silences `{lint}`, which is not for this file: mend the code instead");
                    violations.push(Violation::at(&file.path, token.line, message));
                }
            }
        }
        if token.is(']') {
            silencing = false;
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        silenced_lints(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_silenced_lint_is_refused_outside_its_places() {
        assert_eq!(count("crates/a/src/b.rs", "#[allow(clippy::unwrap_used)] fn a() {}"), 1);
        assert_eq!(count("crates/a/src/b.rs", "#![expect(clippy::panic, clippy::todo, reason = \"x\")]"), 2);
        assert_eq!(count("crates/a/src/b.rs", "#[allow(clippy::print_stdout)] fn a() {}"), 1);
        assert_eq!(count("crates/a/src/b.rs", "#[allow(clippy::too_many_lines)] fn a() {}"), 1);
    }

    #[test]
    fn tests_and_named_places_may() {
        assert_eq!(count("crates/a/tests/it.rs", "#![allow(clippy::unwrap_used)]"), 0);
        assert_eq!(count("crates/a/src/b.rs", "#[cfg(test)] mod tests { #![allow(clippy::unwrap_used)] }"), 0);
        assert_eq!(count("crates/freehold/src/b.rs", "#[expect(clippy::print_stdout)] fn a() {}"), 0);
        assert_eq!(count("crates/app/src/answer.rs", "#[expect(clippy::too_many_lines)] fn a() {}"), 0);
        assert_eq!(count("crates/a/src/b.rs", "#[allow(clippy::too_many_arguments)] fn panic() {}"), 0);
    }
}
