//! The house rules that neither rustc nor clippy holds. Each rule is a pure function from the tree to
//! its violations, with tests that show it refusing.

mod arrows;
mod dependencies;
mod documents;
mod names;
mod outside;
mod shape;
mod silence;
mod sources;
mod sql;
mod tests_kept;
mod tokens;
mod tree;
mod unsafe_code;

use std::path::Path;

use anyhow::{Result, bail};

use crate::say;
use tree::Tree;

/// One place that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Violation {
    path: String,
    /// Counted from 1; 0 where the whole file is meant.
    line: usize,
    /// What is wrong and what to do.
    message: String,
}

impl Violation {
    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

type Rule = (&'static str, fn(&Tree) -> Vec<Violation>);

const RULES: &[Rule] = &[
    ("arrows", arrows::crate_arrows),
    ("heavy", arrows::heavy_dependencies),
    ("workspace-dependencies", dependencies::members_inherit),
    ("dependency-sentences", dependencies::sentences),
    ("unused-dependencies", dependencies::unused),
    ("documents", documents::present),
    ("architecture", documents::architecture),
    ("references", documents::references),
    ("headers", shape::headers),
    ("file-length", shape::file_length),
    ("module-files", shape::module_files),
    ("folder-names", shape::folder_names),
    ("names", names::refused_names),
    ("silence", silence::silenced_lints),
    ("unfinished", sources::unfinished),
    ("unsafe", unsafe_code::only_in_engine),
    ("sql", sql::only_in_store),
    ("outside", outside::nothing_of_this_machine),
    ("test-binaries", tests_kept::one_binary),
    ("ignored-tests", tests_kept::none_ignored),
];

/// Applies every rule to the repository at `root`.
pub(crate) fn tidy(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut count = 0;
    for (rule, violations) in RULES {
        for violation in violations(&tree) {
            count += 1;
            let Violation { path, line, message } = violation;
            say(&if line == 0 {
                format!("{path}: [{rule}] {message}")
            } else {
                format!("{path}:{line}: [{rule}] {message}")
            });
        }
    }
    match count {
        0 => Ok(()),
        _ => bail!("{count} house rules broken (the list is in crates/xtask/src/tidy.rs)"),
    }
}
