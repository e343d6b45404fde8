//! What the rules look at: the files git knows or would add, and the packages cargo knows.

use std::cell::OnceCell;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::tokens::{Token, tokenise};
use crate::tool;

/// The repository as the rules see it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<SourceFile>,
    pub(super) packages: Vec<Package>,
}

/// A text file of the repository.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    tokens: OnceCell<Vec<Token>>,
}

/// A crate of the workspace.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    /// Names of everything it depends on directly, whatever the kind of dependency.
    pub(super) dependencies: Vec<String>,
    /// Names of its integration-test binaries.
    pub(super) test_binaries: Vec<String>,
}

impl Tree {
    /// Reads the repository at `root`, leaving out files that are not text.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut list = tool::command(root, "git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
        let listed = tool::read(list).context("tidy reads the list of files from git")?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // A file removed from disk but not yet from git's index, and a binary one, have no text to judge.
            if let Ok(text) = std::fs::read_to_string(root.join(path)) {
                files.push(SourceFile::new(path, text));
            }
        }
        Ok(Self { files, packages: read_packages(root)? })
    }

    pub(super) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files of the crates.
    pub(super) fn rust_files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| SourceFile::new(path, (*text).to_owned())).collect();
        Self { files, packages: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn of_packages(packages: &[(&str, &[&str])]) -> Self {
        let package = |(name, dependencies): &(&str, &[&str])| Package {
            name: (*name).to_owned(),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            test_binaries: Vec::new(),
        };
        Self { files: Vec::new(), packages: packages.iter().map(package).collect() }
    }
}

impl SourceFile {
    fn new(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), text, tokens: OnceCell::new() }
    }

    /// The crate this file belongs to, or an empty string.
    pub(super) fn package(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or_default()
    }

    /// Whether the whole file is test code: an integration test, or a module brought in under `#[cfg(test)]`.
    pub(super) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The tokens of a Rust file; none where it does not parse, which rustc reports.
    pub(super) fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokenise(&self.text).unwrap_or_default())
    }

    /// The tokens outside test code.
    pub(super) fn product_tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens().iter().filter(|token| !token.in_test && !self.is_test())
    }
}

fn read_packages(root: &Path) -> Result<Vec<Package>> {
    let mut metadata = tool::command(root, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&tool::read(metadata)?).context("`cargo metadata` wrote no JSON")?;
    Ok(objects(&metadata["packages"]).map(read_package).collect())
}

fn read_package(package: &Value) -> Package {
    let is_test = |target: &&Value| objects(&target["kind"]).any(|kind| kind == "test");
    let mut dependencies: Vec<String> = objects(&package["dependencies"]).map(name).collect();
    dependencies.sort();
    dependencies.dedup();
    Package {
        name: name(package),
        dependencies,
        test_binaries: objects(&package["targets"]).filter(is_test).map(name).collect(),
    }
}

fn objects(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn name(object: &Value) -> String {
    object["name"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_holds_this_file_and_this_package() {
        let tree = Tree::read(&crate::repository_root().unwrap()).unwrap();
        let this = tree.file("crates/xtask/src/tidy/tree.rs").unwrap();
        assert_eq!(this.package(), "xtask");
        assert!(this.tokens().iter().any(|token| token.word() == "the_tree_holds_this_file_and_this_package"));
        assert!(this.product_tokens().all(|token| token.word() != "the_tree_holds_this_file_and_this_package"));
        let package = tree.packages.iter().find(|package| package.name == "xtask").unwrap();
        assert!(package.dependencies.contains(&"anyhow".to_owned()));
    }
}
