//! `cargo xtask docs`: references for readers, made from `docs/openapi.json` and `docs/freehold.example.toml`, which
//! tests hold to the code. `tidy` refuses a reference that is out of step.

mod api;
mod configuration;
mod schema;

use std::path::Path;

use anyhow::{Context, Result};

use crate::say;

/// A document, what it is made from, and how.
pub(crate) type Reference = (&'static str, &'static str, fn(&str) -> Result<String>);

/// Every reference.
pub(crate) const REFERENCES: &[Reference] = &[
    ("docs/api.md", "docs/openapi.json", api::write),
    ("docs/configuration.md", "docs/freehold.example.toml", configuration::write),
];

/// Writes every reference anew.
pub(crate) fn docs(root: &Path) -> Result<()> {
    for (path, source, make) in REFERENCES {
        let text = std::fs::read_to_string(root.join(source)).with_context(|| format!("{source} cannot be read"))?;
        let made = make(&text).with_context(|| format!("{path} cannot be made from {source}"))?;
        std::fs::write(root.join(path), made).with_context(|| format!("{path} cannot be written"))?;
        say(&format!("wrote {path}"));
    }
    Ok(())
}
