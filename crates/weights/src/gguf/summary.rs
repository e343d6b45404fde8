//! What a person wants to know about a GGUF file, taken from its header.

use std::collections::HashMap;

use super::Gguf;

/// Facts of a model file, as far as its header states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// `llama`, `qwen2`, `bert`, ...
    pub architecture: String,
    /// The model's own name.
    pub name: Option<String>,
    /// Its licence, as an SPDX expression where the publisher used one.
    pub licence: Option<String>,
    /// Tokens of context it was trained for.
    pub context_length: Option<u64>,
    /// Width of its hidden states.
    pub embedding_length: Option<u64>,
    /// Number of parameters.
    pub parameters: u64,
    /// The element type that holds most parameters, `Q4_K` for example.
    pub quantization: &'static str,
    /// Whether it gives embeddings rather than text.
    pub embeds: bool,
    /// Whether it carries a chat template.
    pub has_chat_template: bool,
}

impl Gguf {
    /// Gathers the facts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let architecture = self.text("general.architecture").unwrap_or("unknown").to_owned();
        let mut elements: HashMap<&'static str, u64> = HashMap::new();
        for tensor in self.tensors() {
            let sum = elements.entry(tensor.kind.name).or_default();
            *sum = sum.saturating_add(tensor.elements());
        }
        let quantization =
            elements.iter().max_by_key(|&(name, count)| (*count, *name)).map_or("none", |(name, _)| *name);
        Summary {
            embeds: architecture.contains("bert")
                || self.architecture_number("pooling_type").is_some_and(|kind| kind > 0),
            name: self.text("general.name").map(str::to_owned),
            licence: self.text("general.license").map(str::to_owned),
            context_length: self.architecture_number("context_length"),
            embedding_length: self.architecture_number("embedding_length"),
            parameters: elements.values().fold(0, |sum, &count| sum.saturating_add(count)),
            quantization,
            has_chat_template: self.text("tokenizer.chat_template").is_some(),
            architecture,
        }
    }
}
