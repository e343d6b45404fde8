//! Shows settings: the effective ones with where each comes from, and the documented example file.

use serde::Serialize;
use serde_json::Value;

use super::definition::{DEFINITIONS, Definition, SECTIONS};
use super::load::Loaded;

/// One row of `config show`.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// The key.
    pub(crate) key: &'static str,
    /// Its value; secrets are masked; null where it is not set.
    pub(crate) value: Option<Value>,
    /// Where it comes from.
    pub(crate) origin: String,
}

/// The effective settings in the order of the example file.
pub(crate) fn shown(loaded: &Loaded) -> Vec<Shown> {
    DEFINITIONS.iter().map(|definition| row(loaded, definition)).collect()
}

fn row(loaded: &Loaded, definition: &Definition) -> Shown {
    let key = definition.key;
    let setting = loaded.settings.get(key);
    let value = match setting {
        // As `models` lists them: it hides their secrets.
        Some(_) if key == "upstreams" => serde_json::to_value(&loaded.config.upstreams).ok(),
        Some(_) if definition.secret => Some(Value::from("********")),
        Some(setting) => serde_json::to_value(&setting.value).ok(),
        None => worked_out(loaded, key),
    };
    let origin = setting.map_or_else(|| "default".to_owned(), |setting| setting.origin.to_string());
    Shown { key, value, origin }
}

/// Defaults that depend on others.
fn worked_out(loaded: &Loaded, key: &str) -> Option<Value> {
    let path = match key {
        "data.dir" => &loaded.config.data.dir,
        "models.dir" => &loaded.config.models.dir,
        _ => return None,
    };
    Some(Value::from(path.to_string_lossy()))
}

/// Stands before every section; upstreams have tables of their own.
fn is_top_level(definition: &Definition) -> bool {
    !definition.key.contains('.') && definition.key != "upstreams"
}

/// A settings file with every key, its default and what it takes: what is commented out has that value anyway.
pub(crate) fn example() -> String {
    let mut text = String::from(
        "# Settings of Freehold. Every line that is commented out shows a default or an example.\n\
         # The file is DIR/freehold.toml, or the one named by --config. The environment overrides it (the name stands\n\
         # with each key), flags override the environment. Unknown keys are refused.\n",
    );
    for definition in DEFINITIONS.iter().filter(|definition| is_top_level(definition)) {
        describe(&mut text, definition, definition.key, &definition.variable());
    }
    for (section, about) in SECTIONS {
        text.push_str(&format!("\n# {about}\n[{section}]\n"));
        let prefix = format!("{section}.");
        for definition in DEFINITIONS {
            if let Some(name) = definition.key.strip_prefix(&prefix) {
                describe(&mut text, definition, name, &definition.variable());
            }
        }
    }
    text.push_str(UPSTREAM_EXAMPLE);
    text
}

/// Upstreams are read by `models`; a test reads this example with it.
const UPSTREAM_EXAMPLE: &str = r#"
# Outside servers that speak OpenAI's API, one such table each. Words go to an external one only where egress is
# allowed. A secret may stand here, in the environment ({ env = "NAME" }) or in a file ({ file = "PATH" }).
# [[upstreams]]
# name = "gpu"
# kind = { remote = { base_url = "https://gpu.example/v1" } }
# api_key = { env = "GPU_API_KEY" }
# locality = "local"
# models = [{ name = "qwen3-32b", context_length = 32768 }]
"#;

fn describe(text: &mut String, definition: &Definition, name: &str, variable: &str) {
    let value = definition.default.unwrap_or(definition.example);
    let allowed = definition.kind.allowed();
    text.push_str(&format!(
        "\n# {}\n# Takes {allowed}. Environment: {variable}\n# {name} = {value}\n",
        definition.help
    ));
}
