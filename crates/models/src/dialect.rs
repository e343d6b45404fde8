//! Dialects: what OpenAI-compatible servers do differently, as data. What a server cannot honour is refused here by
//! name rather than ignored there.

pub(crate) mod failure;
pub(crate) mod repair;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod tools;

use serde::{Deserialize, Serialize};

/// Which server an upstream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's own API, and any server that keeps to it and nothing more.
    #[default]
    Openai,
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// NVIDIA NIM.
    Nim,
    /// llama.cpp's server.
    LlamaServer,
    /// The embedded engine.
    Freehold,
}

/// What may be asked of a server, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// The limit of tokens goes by its older name, whichever the client used.
    pub(crate) older_token_limit: bool,
    /// `top_k` and `min_p` are known.
    pub(crate) extra_sampling: bool,
    /// The role `developer` is known; else it is sent as `system`.
    pub(crate) developer_role: bool,
    /// `cache_salt` keeps the caches of different salts apart.
    pub(crate) cache_salt: bool,
    /// `input_type` of embeddings is known, and the server puts the prefixes; else they are put here.
    pub(crate) input_type: bool,
}

impl Dialect {
    /// What may be asked of this server.
    pub(crate) const fn quirks(self) -> Quirks {
        let plain = Quirks {
            older_token_limit: false,
            extra_sampling: false,
            developer_role: false,
            cache_salt: false,
            input_type: false,
        };
        match self {
            Self::Openai => Quirks { developer_role: true, ..plain },
            Self::Vllm => Quirks { older_token_limit: true, extra_sampling: true, cache_salt: true, ..plain },
            // SGLang takes `cache_salt`, but versions before April 2026 did not act on it: the administrator says so.
            Self::Sglang | Self::LlamaServer => Quirks { older_token_limit: true, extra_sampling: true, ..plain },
            Self::Nim => Quirks { older_token_limit: true, input_type: true, ..plain },
            Self::Freehold => Quirks { extra_sampling: true, developer_role: true, input_type: true, ..plain },
        }
    }
}
