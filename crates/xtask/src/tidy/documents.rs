//! The documents a reader needs are there, and ARCHITECTURE.md promises only what a test holds.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Violation;
use super::tokens::Token;
use super::tree::Tree;
use crate::docs::REFERENCES;

const REQUIRED: &[&str] =
    &["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "DEPENDENCIES.md", "LICENSE"];
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const ARCHITECTURE_LINES: usize = 300;
const PROMISE: &str = "**Invariant:**";

/// The documents exist.
pub(super) fn present(tree: &Tree) -> Vec<Violation> {
    let missing = REQUIRED.iter().filter(|path| tree.file(path).is_none());
    missing.map(|path| Violation::at(path, 0, "is missing: write it")).collect()
}

/// ARCHITECTURE.md stays short, and each invariant in it names a test that exists.
pub(super) fn architecture(tree: &Tree) -> Vec<Violation> {
    let Some(file) = tree.file(ARCHITECTURE) else { return Vec::new() };
    let mut violations = Vec::new();
    if file.text.lines().count() >= ARCHITECTURE_LINES {
        let message =
            format!("stays under {ARCHITECTURE_LINES} lines: move detail into the `//!` header of its module");
        violations.push(Violation::at(ARCHITECTURE, 0, message));
    }
    let tests = test_functions(tree);
    for (index, line) in file.text.lines().enumerate().filter(|(_, line)| line.starts_with(PROMISE)) {
        let named = line.split('`').skip(1).step_by(2).filter_map(|code| code.rsplit("::").next());
        if !named.into_iter().any(|name| tests.contains(name)) {
            let message = "names no existing test: end the line with the `name` of the test function that holds it";
            violations.push(Violation::at(ARCHITECTURE, index + 1, message));
        }
    }
    violations
}

/// The references for readers are what `cargo xtask docs` makes today.
pub(super) fn references(tree: &Tree) -> Vec<Violation> {
    let made = REFERENCES.iter().filter_map(|(path, source, make)| Some((path, make(&tree.file(source)?.text))));
    let in_step = |path: &str, text: &str| tree.file(path).is_some_and(|file| file.text == text);
    let judge = |(path, made): (&&'static str, Result<String>)| match made {
        Ok(text) if in_step(path, &text) => None,
        Ok(_) => Some(Violation::at(path, 0, "is out of step with what it is made from: run `cargo xtask docs`")),
        Err(error) => Some(Violation::at(path, 0, format!("cannot be made: {error:#}"))),
    };
    made.filter_map(judge).collect()
}

/// The names of all functions under a `#[test]` attribute, those inside `proptest!` included.
fn test_functions(tree: &Tree) -> BTreeSet<&str> {
    tree.rust_files().flat_map(|file| functions_under_test_attribute(file.tokens())).collect()
}

fn functions_under_test_attribute(tokens: &[Token]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut attribute = false;
    for (index, token) in tokens.iter().enumerate() {
        let opens = token.word() == "test" && index >= 2 && ends_attribute_path(tokens, index);
        if opens {
            attribute = true;
        } else if token.is('{') || token.is(';') {
            attribute = false;
        } else if token.word() == "fn" && attribute {
            names.extend(tokens.get(index + 1).map(Token::word));
            attribute = false;
        }
    }
    names
}

/// Whether the `test` at `index` is the last word of an attribute's path: `#[test]`, `#[tokio::test]`, `#[tokio::test(`.
fn ends_attribute_path(tokens: &[Token], index: usize) -> bool {
    let starts = tokens[index - 1].is('[') || tokens[index - 1].is(':');
    starts && tokens.get(index + 1).is_some_and(|next| next.is(']') || next.is('('))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &str = "#[test] fn deny_wins() {} #[tokio::test] async fn keys_expire() {} fn helper() {}
        proptest! { #[test] fn parses_back(x in 0..9) {} } #[cfg(test)] mod tests { fn also_not() {} }";

    fn with(architecture_text: &str) -> Vec<Violation> {
        architecture(&Tree::of(&[("ARCHITECTURE.md", architecture_text), ("crates/a/src/lib.rs", TESTS)]))
    }

    #[test]
    fn an_invariant_without_a_test_is_refused() {
        for name in ["deny_wins", "a::tests::keys_expire", "parses_back"] {
            assert!(with(&format!("**Invariant:** it holds (`crates/a`, `{name}`)")).is_empty(), "{name}");
        }
        for name in ["helper", "also_not", "gone", "test"] {
            assert_eq!(with(&format!("text\n**Invariant:** it holds (`{name}`)")).len(), 1, "{name}");
        }
        assert_eq!(with("**Invariant:** it holds").len(), 1);
    }

    #[test]
    fn a_long_architecture_document_is_refused() {
        assert!(with(&"line\n".repeat(299)).is_empty());
        assert_eq!(with(&"line\n".repeat(300)).len(), 1);
    }

    #[test]
    fn a_reference_that_is_out_of_step_is_refused() {
        let example = "# Settings.\n\n# Refuse.\n# Takes true. Environment: OFFLINE\n# offline = false\n";
        let (path, source, make) = REFERENCES[1];
        let fresh = make(example).unwrap();
        assert!(references(&Tree::of(&[(source, example), (path, &fresh)])).is_empty());
        for stale in [&fresh.replace("false", "true"), ""] {
            assert_eq!(references(&Tree::of(&[(source, example), (path, stale)])).len(), 1);
        }
        assert_eq!(references(&Tree::of(&[(source, example)])).len(), 1);
    }

    #[test]
    fn a_missing_document_is_named() {
        let missing = present(&Tree::of(&[("README.md", "")]));
        assert_eq!(missing.len(), REQUIRED.len() - 1);
    }
}
