//! How files are laid out: a header on each, none too long, `foo.rs` beside `foo/`, no catch-all folders.

use super::Violation;
use super::tree::{SourceFile, Tree};

const HEADER_LINES: usize = 6;
const FILE_LINES: usize = 600;
const CATCH_ALL: &[&str] = &["core", "common", "util", "utils", "helper", "helpers", "misc"];

/// Every Rust file opens with 1 to 6 lines of `//!`.
pub(super) fn headers(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust_files() {
        match file.text.lines().take_while(|line| line.starts_with("//!")).count() {
            0 => violations.push(Violation::at(
                &file.path,
                1,
                "opens without `//!`: say what the file is and what it keeps true",
            )),
            1..=HEADER_LINES => {}
            lines => {
                let message = format!("its header has {lines} lines: keep {HEADER_LINES}, move the rest to the items");
                violations.push(Violation::at(&file.path, 1, message));
            }
        }
    }
    violations
}

/// No Rust file or script is longer than 600 lines, test code aside.
pub(super) fn file_length(tree: &Tree) -> Vec<Violation> {
    let judged =
        |file: &&SourceFile| [".rs", ".sh", ".py"].iter().any(|end| file.path.ends_with(end)) && !file.is_test();
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(judged) {
        let lines = file.text.lines().count().saturating_sub(test_lines(file));
        if lines > FILE_LINES {
            let message = format!("{lines} lines without its tests, {FILE_LINES} at most: split it by what it does");
            violations.push(Violation::at(&file.path, 0, message));
        }
    }
    violations
}

/// Lines between the first and the last token of each stretch of test code.
fn test_lines(file: &SourceFile) -> usize {
    let tokens = if file.path.ends_with(".rs") { file.tokens() } else { &[] };
    let stretches = tokens.chunk_by(|left, right| left.in_test == right.in_test).filter(|stretch| stretch[0].in_test);
    stretches.map(|stretch| stretch[stretch.len() - 1].line - stretch[0].line + 1).sum()
}

/// A module with children is `foo.rs` beside `foo/`.
pub(super) fn module_files(tree: &Tree) -> Vec<Violation> {
    let old_style = tree.rust_files().filter(|file| file.path.ends_with("/mod.rs"));
    old_style
        .map(|file| Violation::at(&file.path, 0, "write `foo.rs` beside `foo/` in place of `foo/mod.rs`"))
        .collect()
}

/// No crate and no module with a name that says nothing.
pub(super) fn folder_names(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust_files().filter(|file| file.path.starts_with("crates/")) {
        let named = file.path.trim_end_matches(".rs").split('/').find(|part| CATCH_ALL.contains(part));
        if let Some(part) = named {
            let message = format!("`{part}` says nothing: name it after what it holds");
            violations.push(Violation::at(&file.path, 0, message));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Tree) -> Vec<Violation>, path: &str, text: &str) -> usize {
        rule(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_file_opens_with_a_short_header() {
        assert_eq!(count(headers, "crates/a/src/lib.rs", "//! What it is.\n"), 0);
        assert_eq!(count(headers, "crates/a/src/lib.rs", "use b;\n"), 1);
        assert_eq!(count(headers, "crates/a/src/lib.rs", &"//! Line.\n".repeat(7)), 1);
        assert_eq!(count(headers, "README.md", "Text.\n"), 0);
    }

    #[test]
    fn length_counts_product_code_only() {
        let long = "fn a() {}\n".repeat(601);
        assert_eq!(count(file_length, "crates/a/src/b.rs", &long), 1);
        assert_eq!(count(file_length, "crates/a/tests/it/b.rs", &long), 0);
        assert_eq!(count(file_length, "scripts/a.sh", &long), 1);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(count(file_length, "crates/a/src/b.rs", &tested), 0);
        assert_eq!(count(file_length, "crates/a/src/b.rs", &format!("{long}{tested}")), 1);
    }

    #[test]
    fn old_module_files_and_catch_all_names_are_refused() {
        assert_eq!(count(module_files, "crates/a/src/b/mod.rs", ""), 1);
        assert_eq!(count(module_files, "crates/a/src/b.rs", ""), 0);
        for path in ["crates/common/src/lib.rs", "crates/a/src/utils.rs", "crates/a/src/helpers/b.rs"] {
            assert_eq!(count(folder_names, path, ""), 1, "{path}");
        }
        assert_eq!(count(folder_names, "crates/a/src/score.rs", ""), 0);
    }
}
