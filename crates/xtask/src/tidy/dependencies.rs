//! Dependencies are named once, in the workspace, each with its sentence in DEPENDENCIES.md.

use std::collections::BTreeSet;

use toml::Table;

use super::Violation;
use super::tree::Tree;

const SENTENCES: &str = "DEPENDENCIES.md";
const ROOT: &str = "Cargo.toml";
const SECTION: &str = "## Crates";
/// A sentence shorter than this cannot say what a crate does and what else was considered.
const SHORTEST_SENTENCE: usize = 60;

/// Members take every dependency from the workspace.
pub(super) fn members_inherit(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, manifest) in manifests(tree) {
        for (name, entry) in dependency_entries(&manifest) {
            if entry.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                let message =
                    format!("`{name}` names its own version: write `{name}.workspace = true` and list it in {ROOT}");
                violations.push(Violation::at(path, 0, message));
            }
        }
    }
    violations
}

/// Every dependency from outside has its sentence, and every sentence its dependency.
pub(super) fn sentences(tree: &Tree) -> Vec<Violation> {
    let listed = outside_dependencies(tree);
    let text = tree.file(SENTENCES).map(|file| file.text.as_str()).unwrap_or_default();
    let mut described = BTreeSet::new();
    let mut violations = Vec::new();
    for (line, entry) in section_entries(text) {
        let (names, sentence) = entry.split_once(':').unwrap_or((entry, ""));
        for name in names.split('`').skip(1).step_by(2) {
            described.insert(name.to_owned());
            if !listed.contains(name) {
                let message = format!("`{name}` is not a dependency in {ROOT}: remove its sentence");
                violations.push(Violation::at(SENTENCES, line, message));
            }
        }
        if sentence.trim().len() < SHORTEST_SENTENCE || !sentence.trim_end().ends_with('.') {
            let message = "say in a whole sentence what it does, what it weighs and what else was considered";
            violations.push(Violation::at(SENTENCES, line, message));
        }
    }
    for name in listed.difference(&described) {
        let message = format!("`{name}` of {ROOT} has no sentence: add \"- `{name}`: ...\" under \"{SECTION}\"");
        violations.push(Violation::at(SENTENCES, 0, message));
    }
    violations
}

/// No dependency is listed that no crate uses.
pub(super) fn unused(tree: &Tree) -> Vec<Violation> {
    let mut used = BTreeSet::new();
    for (_, manifest) in manifests(tree) {
        used.extend(dependency_entries(&manifest).into_iter().map(|(name, _)| name));
    }
    let unused = |name: &String| format!("no crate uses `{name}`: remove it");
    outside_dependencies(tree).difference(&used).map(|name| Violation::at(ROOT, 0, unused(name))).collect()
}

/// Entries of the section, each a bullet joined with its continuation lines.
fn section_entries(text: &str) -> Vec<(usize, &str)> {
    let mut entries = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("## ") {
            inside = line.starts_with(SECTION);
        } else if inside && line.starts_with("- ") {
            entries.push((index + 1, line));
        }
    }
    entries
}

fn outside_dependencies(tree: &Tree) -> BTreeSet<String> {
    let root: Table = tree.file(ROOT).and_then(|file| file.text.parse().ok()).unwrap_or_default();
    let listed =
        root.get("workspace").and_then(|workspace| workspace.get("dependencies")).and_then(toml::Value::as_table);
    let outside = |(_, entry): &(&String, &toml::Value)| entry.get("path").is_none();
    listed.into_iter().flatten().filter(outside).map(|(name, _)| name.clone()).collect()
}

fn manifests(tree: &Tree) -> Vec<(&str, Table)> {
    let member = |path: &str| path.starts_with("crates/") && path.ends_with("/Cargo.toml");
    let members = tree.files.iter().filter(|file| member(&file.path));
    members.filter_map(|file| Some((file.path.as_str(), file.text.parse().ok()?))).collect()
}

/// Every dependency entry of a manifest: plain, for tests, for the build, and per platform.
fn dependency_entries(manifest: &Table) -> Vec<(String, toml::Value)> {
    let mut entries = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if key == "target" {
            entries.extend(table.values().filter_map(toml::Value::as_table).flat_map(dependency_entries));
        } else if key.ends_with("dependencies") {
            entries.extend(table.iter().map(|(name, entry)| (name.clone(), entry.clone())));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.dependencies]\ndomain = { path = \"crates/domain\" }\nserde = \"1\"\n";
    const USES_SERDE: (&str, &str) = ("crates/a/Cargo.toml", "[dependencies]\nserde.workspace = true\n");
    const SENTENCE: &str = "reads and writes structures; a minute of build; every alternative covers fewer formats.";

    fn sentence_violations(section: &str) -> Vec<Violation> {
        sentences(&Tree::of(&[("Cargo.toml", WORKSPACE), ("DEPENDENCIES.md", &format!("## Crates\n\n{section}\n"))]))
    }

    #[test]
    fn a_member_with_a_version_of_its_own_is_refused() {
        assert!(members_inherit(&Tree::of(&[USES_SERDE])).is_empty());
        for text in
            ["[dependencies]\nserde = \"1\"\n", "[target.'cfg(unix)'.dev-dependencies]\nserde = { version = \"1\" }\n"]
        {
            assert_eq!(members_inherit(&Tree::of(&[("crates/a/Cargo.toml", text)])).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_dependency_without_its_sentence_is_refused() {
        assert!(sentence_violations(&format!("- `serde`: {SENTENCE}")).is_empty());
        assert_eq!(sentence_violations("").len(), 1);
        assert_eq!(sentence_violations("- `serde`: nice.").len(), 1);
        assert_eq!(sentence_violations(&format!("- `serde`, `gone`: {SENTENCE}")).len(), 1);
        assert_eq!(sentence_violations(&format!("## Tools\n\n- `serde`: {SENTENCE}")).len(), 1);
    }

    #[test]
    fn a_dependency_nobody_uses_is_refused() {
        assert!(unused(&Tree::of(&[("Cargo.toml", WORKSPACE), USES_SERDE])).is_empty());
        assert_eq!(unused(&Tree::of(&[("Cargo.toml", WORKSPACE)])).len(), 1);
    }
}
