//! Tests stay honest and cheap: one integration-test binary per crate, none of them ignored.

use super::Violation;
use super::tree::Tree;

/// At most one integration-test binary per crate, named `it`: linking costs as much as compiling.
pub(super) fn one_binary(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &tree.packages {
        for binary in package.test_binaries.iter().filter(|binary| *binary != "it") {
            let path = format!("crates/{}/tests/{binary}.rs", package.name);
            violations.push(Violation::at(&path, 0, "is a test binary of its own: make it a module of `tests/it.rs`"));
        }
    }
    violations
}

/// No test is ignored.
pub(super) fn none_ignored(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust_files() {
        for triple in file.tokens().windows(3) {
            if triple[0].is('#') && triple[1].is('[') && triple[2].word() == "ignore" {
                violations.push(Violation::at(&file.path, triple[2].line, "ignores a test: mend it or remove it"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::Package;

    #[test]
    fn a_second_test_binary_is_refused() {
        let with = |binaries: &[&str]| {
            let test_binaries = binaries.iter().map(|name| (*name).to_owned()).collect();
            let package = Package { name: "a".to_owned(), test_binaries, ..Package::default() };
            one_binary(&Tree { packages: vec![package], ..Tree::default() }).len()
        };
        assert_eq!(with(&["it"]), 0);
        assert_eq!(with(&["it", "slow"]), 1);
    }

    #[test]
    fn an_ignored_test_is_refused() {
        for (text, count) in
            [("#[test] #[ignore] fn a() {}", 1), ("#[ignore = \"slow\"] fn a() {}", 1), ("fn ignore() {}", 0)]
        {
            assert_eq!(none_ignored(&Tree::of(&[("crates/a/src/b.rs", text)])).len(), count, "{text}");
        }
    }
}
