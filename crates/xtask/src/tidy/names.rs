//! Names that say nothing are refused where something is defined; using another's is fine.

use super::Violation;
use super::tree::Tree;

const REFUSED_SUFFIXES: &[&str] = &["Manager", "Helper", "Info", "Data", "Impl"];
const REFUSED_PREFIXES: &[&str] = &["process_", "handle_", "do_"];
/// `Service` is a word of ours, for an application or agent with a key of its own; as a suffix it is empty.
const SERVICES: &[&str] = &["Service", "NewService"];
const REFUSED_WORDS: &[&str] = &["legacy", "misc", "v2", "v3"];

/// Types, functions and modules have names from the user's world.
pub(super) fn refused_names(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust_files() {
        for pair in file.tokens().windows(2) {
            if let Some(reason) = reason(pair[0].word(), pair[1].word()) {
                let message = format!("`{}` {reason}", pair[1].word());
                violations.push(Violation::at(&file.path, pair[1].line, message));
            }
        }
    }
    violations
}

/// Why the name that follows a keyword is refused.
fn reason(keyword: &str, name: &str) -> Option<&'static str> {
    let is_type = matches!(keyword, "struct" | "enum" | "trait" | "type" | "union");
    let is_value = matches!(keyword, "fn" | "mod");
    if is_type && REFUSED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        return Some("names no thing of the user's world: say what it is");
    }
    if is_type && name.ends_with("Service") && !SERVICES.contains(&name) {
        return Some("is not a service in our sense: say what it does for whom");
    }
    if is_value && REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Some("hides the verb: say what it does");
    }
    if (is_type || is_value) && words(name).any(|word| REFUSED_WORDS.contains(&word.as_str())) {
        return Some("dates itself: replace the old one, or name the difference");
    }
    None
}

/// The words of a name in either case style, in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            spaced.push('_');
        }
        spaced.extend(letter.to_lowercase());
    }
    spaced.split('_').map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(definition: &str) -> bool {
        !refused_names(&Tree::of(&[("crates/a/src/lib.rs", definition)])).is_empty()
    }

    #[test]
    fn empty_names_are_refused_where_they_are_defined() {
        for definition in [
            "struct KeyManager;",
            "enum TraceInfo {}",
            "trait StoreImpl {}",
            "type Data = u8;",
            "struct KeyService;",
            "fn process_reply() {}",
            "fn handle_request() {}",
            "fn do_it() {}",
            "mod misc;",
            "struct StateV2;",
            "fn open_v2() {}",
        ] {
            assert!(refused(definition), "{definition}");
        }
    }

    #[test]
    fn good_names_and_other_peoples_names_pass() {
        for definition in [
            "struct Service;",
            "struct Metadata;",
            "fn process() {}",
            "fn handler() {}",
            "fn done() {}",
            "use other::BuildInfo;",
            "fn uuid_v7() {}",
            "fn answer(info: BuildInfo) {}",
        ] {
            assert!(!refused(definition), "{definition}");
        }
    }
}
