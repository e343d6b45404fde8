//! How an engine process is started.

use std::path::PathBuf;
use std::thread::available_parallelism;

/// What `freehold engine` takes.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The GGUF file.
    pub model: PathBuf,
    /// Where to listen: a Unix socket that is created with mode 0600.
    pub socket: PathBuf,
    /// Serve embeddings instead of text.
    pub embeddings: bool,
    /// Requests that run at once; 4 unless given.
    pub slots: Option<u32>,
    /// Most tokens of prompt and answer of one request; what the model was trained for, at most 8,192, unless given.
    pub context: Option<u32>,
    /// Tokens of KV state in all; enough for all slots, at most 16,384 (but one whole context), unless given.
    pub cells: Option<u32>,
    /// Threads that compute; one per core unless given.
    pub threads: Option<u32>,
    /// Sequences that may wait for a slot; 64 unless given.
    pub queue: Option<u32>,
    /// Written before each text of `input_type: query`, for embedding models trained so.
    pub query_prefix: Option<String>,
    /// Written before each text of `input_type: passage`.
    pub passage_prefix: Option<String>,
}

impl EngineOptions {
    /// The two files that have no default; everything else as documented on the fields.
    #[must_use]
    pub fn new(model: PathBuf, socket: PathBuf) -> Self {
        Self {
            model,
            socket,
            embeddings: false,
            slots: None,
            context: None,
            cells: None,
            threads: None,
            queue: None,
            query_prefix: None,
            passage_prefix: None,
        }
    }

    /// The numbers that count, for a model trained with `train_context` tokens.
    pub(crate) fn sizes(&self, train_context: u32) -> Sizes {
        let slots = self.slots.unwrap_or(4).clamp(1, 64);
        let trained = if train_context == 0 { 8192 } else { train_context };
        let context = self.context.unwrap_or_else(|| trained.min(8192)).clamp(64, trained.max(64));
        let all_slots = context.saturating_mul(slots);
        let cells = self.cells.unwrap_or_else(|| all_slots.min(16_384)).max(context);
        let cores = available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Sizes {
            slots,
            context,
            cells,
            threads: self.threads.unwrap_or(cores).clamp(1, 512),
            queue: self.queue.unwrap_or(64),
        }
    }
}

/// Sizes with all defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) slots: u32,
    pub(crate) context: u32,
    pub(crate) cells: u32,
    pub(crate) threads: u32,
    pub(crate) queue: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(change: impl FnOnce(&mut EngineOptions), train_context: u32) -> (u32, u32, u32) {
        let mut options = EngineOptions::new("model.gguf".into(), "socket".into());
        change(&mut options);
        let sizes = options.sizes(train_context);
        (sizes.slots, sizes.context, sizes.cells)
    }

    #[test]
    fn defaults_fit_the_model_and_the_memory() {
        assert_eq!(sizes(|_| (), 2048), (4, 2048, 8192));
        assert_eq!(sizes(|_| (), 131_072), (4, 8192, 16_384));
    }

    #[test]
    fn one_whole_context_always_fits() {
        assert_eq!(sizes(|options| options.context = Some(32_768), 131_072), (4, 32_768, 32_768));
        assert_eq!(sizes(|options| options.cells = Some(100), 2048), (4, 2048, 2048));
        assert_eq!(sizes(|options| options.context = Some(999_999), 2048), (4, 2048, 8192));
    }
}
