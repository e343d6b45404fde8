//! The tokens of one decode, each of one sequence.

use llama_cpp_sys_2 as sys;

use super::{Sequence, Token};

/// Column-wise storage in the layout llama.cpp reads.
#[derive(Default)]
pub(crate) struct Batch {
    tokens: Vec<Token>,
    positions: Vec<i32>,
    sequences: Vec<Sequence>,
    counts: Vec<i32>,
    outputs: Vec<i8>,
    pointers: Vec<*mut Sequence>,
}

// SAFETY: the pointers refer to the batch's own vector and are rebuilt before each use.
unsafe impl Send for Batch {}

impl Batch {
    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.positions.clear();
        self.sequences.clear();
        self.counts.clear();
        self.outputs.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Adds a token; `output` asks for its logits. Returns its index for `Context::logits`.
    pub(crate) fn add(&mut self, token: Token, position: usize, sequence: Sequence, output: bool) -> usize {
        self.tokens.push(token);
        self.positions.push(i32::try_from(position).unwrap_or(i32::MAX));
        self.sequences.push(sequence);
        self.counts.push(1);
        self.outputs.push(i8::from(output));
        self.tokens.len() - 1
    }

    /// The C view; valid until the batch is changed or moved.
    pub(super) fn raw(&mut self) -> sys::llama_batch {
        self.pointers.clear();
        let base = self.sequences.as_mut_ptr();
        // `wrapping_add` stays inside the vector: there is one pointer per element.
        self.pointers.extend((0..self.sequences.len()).map(|index| base.wrapping_add(index)));
        sys::llama_batch {
            n_tokens: i32::try_from(self.tokens.len()).unwrap_or(0),
            token: self.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: self.positions.as_mut_ptr(),
            n_seq_id: self.counts.as_mut_ptr(),
            seq_id: self.pointers.as_mut_ptr(),
            logits: self.outputs.as_mut_ptr(),
        }
    }
}
