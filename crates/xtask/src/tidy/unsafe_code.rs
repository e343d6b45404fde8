//! `unsafe` stands only where a fault can end a child process and nothing more.
//! That each block says why it is sound is held by clippy's `undocumented_unsafe_blocks`.

use super::Violation;
use super::tree::Tree;

const PLACES: &[&str] = &["crates/engine/src/", "crates/trainer/src/kernels"];

/// No `unsafe` outside the engine and the kernels, tests included.
pub(super) fn only_in_engine(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust_files().filter(|file| !PLACES.iter().any(|place| file.path.starts_with(place))) {
        for token in file.tokens().iter().filter(|token| token.word() == "unsafe") {
            violations.push(Violation::at(
                &file.path,
                token.line,
                "`unsafe` is for the engine and the kernels: use a safe way",
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_refused_outside_the_engine() {
        let code = "fn a() { unsafe { b() } } // unsafe in a comment is fine";
        assert_eq!(only_in_engine(&Tree::of(&[("crates/store/src/a.rs", code)])).len(), 1);
        assert!(only_in_engine(&Tree::of(&[("crates/engine/src/a.rs", code)])).is_empty());
        assert!(only_in_engine(&Tree::of(&[("crates/store/src/lib.rs", "#![forbid(unsafe_code)]")])).is_empty());
    }
}
