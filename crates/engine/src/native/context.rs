//! A llama.cpp context: the KV cache, the compute buffers and the outputs of the last decode.
//!
//! Owned by the model thread alone.

use std::ptr::NonNull;
use std::sync::Arc;

use llama_cpp_sys_2 as sys;

use super::threads::Threads;
use super::{Adapter, Batch, Model, Sequence};

/// Sizes of a context, all in tokens but `sequences` and `threads`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContextOptions {
    /// Cells of the KV cache, shared by all sequences.
    pub(crate) cells: u32,
    pub(crate) sequences: u32,
    /// Most tokens of one decode.
    pub(crate) batch: u32,
    /// Most rows of logits (or of embeddings, before they are pooled) of one decode.
    pub(crate) outputs: u32,
    pub(crate) threads: u32,
    /// Pool the outputs into one vector per sequence (mean) instead of giving logits.
    pub(crate) embeddings: bool,
}

/// Why a decode gave no outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeFailure {
    /// No room in the KV cache; nothing was changed.
    NoRoom,
    /// llama.cpp's code; the cache of the sequences in the batch is undefined.
    Broken(i32),
}

/// Owns `llama_context`.
pub(crate) struct Context {
    raw: NonNull<sys::llama_context>,
    threads: Option<Threads>,
    /// Pools that were replaced; ggml still refers to the last of them until the next decode.
    retired: Vec<Threads>,
    pool_size: i32,
    vocabulary_size: usize,
    // INVARIANT: the model outlives the context.
    model: Arc<Model>,
}

// SAFETY: a context has no thread affinity; it is moved once into the model thread and never shared.
unsafe impl Send for Context {}

impl Context {
    pub(crate) fn new(model: &Arc<Model>, options: ContextOptions) -> Result<Self, String> {
        let threads = i32::try_from(options.threads).unwrap_or(1).max(1);
        // SAFETY: plain values out.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = options.cells;
        params.n_batch = options.batch;
        params.n_ubatch = options.batch;
        params.n_outputs_max = options.outputs;
        params.n_seq_max = options.sequences;
        params.n_threads = threads;
        params.n_threads_batch = threads;
        params.kv_unified = true;
        params.no_perf = true;
        params.embeddings = options.embeddings;
        if options.embeddings {
            params.pooling_type = sys::LLAMA_POOLING_TYPE_MEAN;
        }
        // SAFETY: the model is alive; a model gets one context at a time, from the model thread.
        let raw = unsafe { sys::llama_init_from_model(model.raw(), params) };
        let raw = NonNull::new(raw).ok_or_else(super::last_error)?;
        let vocabulary_size = model.vocabulary_size();
        let model = Arc::clone(model);
        let mut context = Self { raw, threads: None, retired: Vec::new(), pool_size: 0, vocabulary_size, model };
        context.set_threads(options.threads);
        Ok(context)
    }

    /// Cells of the KV cache as llama.cpp rounded them.
    pub(crate) fn cells(&self) -> usize {
        // SAFETY: the context is alive.
        usize::try_from(unsafe { sys::llama_n_ctx(self.raw.as_ptr()) }).unwrap_or(0)
    }

    /// Changes the number of threads used from the next decode on.
    pub(crate) fn set_threads(&mut self, count: u32) {
        let count = i32::try_from(count).unwrap_or(1).max(1);
        if count != self.pool_size {
            // Just as many as compute: the others of a larger pool would spin on the cores that were given up.
            self.pool_size = count;
            self.retired.extend(std::mem::replace(&mut self.threads, Threads::new(self.pool_size)));
            let pool = self.threads.as_ref().map_or(std::ptr::null_mut(), Threads::raw);
            // SAFETY: the pool lives in `self.threads` for as long as the context refers to it.
            unsafe { sys::llama_attach_threadpool(self.raw.as_ptr(), pool, std::ptr::null_mut()) };
        }
        // SAFETY: the context is alive.
        unsafe { sys::llama_set_n_threads(self.raw.as_ptr(), count, count) };
    }

    /// Runs one batch through the model.
    pub(crate) fn decode(&mut self, batch: &mut Batch) -> Result<(), DecodeFailure> {
        // SAFETY: the view is used before `batch` changes; ids come from this model's vocabulary.
        let code = unsafe { sys::llama_decode(self.raw.as_ptr(), batch.raw()) };
        // Now the context computes with its present pool and pauses no older one any more.
        self.retired.clear();
        match code {
            0 => Ok(()),
            1 => Err(DecodeFailure::NoRoom),
            code => Err(DecodeFailure::Broken(code)),
        }
    }

    /// Logits of the batch entry `index`, which was added with `output`. The sampler may overwrite them.
    pub(crate) fn logits(&mut self, index: usize) -> &mut [f32] {
        let index = i32::try_from(index).unwrap_or(-1);
        // SAFETY: waits for the computation; the row holds one number per vocabulary entry and stays valid
        // until the next decode, which needs `&mut self`.
        unsafe {
            let row = sys::llama_get_logits_ith(self.raw.as_ptr(), index);
            match row.is_null() {
                true => &mut [],
                false => std::slice::from_raw_parts_mut(row, self.vocabulary_size),
            }
        }
    }

    /// The pooled embedding of a sequence of the last batch.
    pub(crate) fn embedding(&mut self, sequence: Sequence) -> &[f32] {
        // SAFETY: as for `logits`; a pooled embedding has the model's output width.
        unsafe {
            let row = sys::llama_get_embeddings_seq(self.raw.as_ptr(), sequence);
            match row.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(row, self.model.embedding_width()),
            }
        }
    }

    /// Chooses the adapter for the following decodes.
    pub(crate) fn set_adapter(&mut self, adapter: Option<&Adapter>) {
        let mut adapters = [adapter.map_or(std::ptr::null_mut(), Adapter::raw)];
        let mut scales = [1.0_f32];
        let count = usize::from(adapter.is_some());
        // SAFETY: `count` entries of both arrays are valid, and are copied.
        unsafe { sys::llama_set_adapters_lora(self.raw.as_ptr(), adapters.as_mut_ptr(), count, scales.as_mut_ptr()) };
    }

    /// Makes `target` share the first `length` cells of `source`. Costs no computation and no memory.
    pub(crate) fn share(&mut self, source: Sequence, target: Sequence, length: usize) {
        let end = i32::try_from(length).unwrap_or(i32::MAX);
        // SAFETY: both sequences are below the context's maximum.
        unsafe { sys::llama_memory_seq_cp(self.memory(), source, target, 0, end) };
    }

    /// Forgets the cells of `sequence` from position `start` on. False where the model cannot cut there.
    pub(crate) fn forget(&mut self, sequence: Sequence, start: usize) -> bool {
        let start = i32::try_from(start).unwrap_or(i32::MAX);
        // SAFETY: the sequence is below the context's maximum.
        unsafe { sys::llama_memory_seq_rm(self.memory(), sequence, start, -1) }
    }

    fn memory(&self) -> sys::llama_memory_t {
        // SAFETY: the context is alive.
        unsafe { sys::llama_get_memory(self.raw.as_ptr()) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: owned here and not used again; the thread pools are fields and outlive it.
        unsafe { sys::llama_free(self.raw.as_ptr()) }
    }
}
