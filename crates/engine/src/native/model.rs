//! A loaded GGUF file: weights, metadata and vocabulary. Immutable once loaded, so it is shared between threads.

use std::ffi::{CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;

use llama_cpp_sys_2 as sys;

use super::Token;

/// Owns `llama_model`; contexts and adapters hold an `Arc` of it, so it outlives them.
pub(crate) struct Model {
    raw: NonNull<sys::llama_model>,
    vocabulary: NonNull<sys::llama_vocab>,
}

// SAFETY: after loading, the model is only read. (`llama_adapter_lora_init` registers the adapter in the model;
// both it and freeing run on the one model thread.)
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

impl Model {
    /// Loads `path`, calling `progress` with 0.0..=1.0. The error is llama.cpp's own last error line.
    pub(crate) fn load(path: &Path, mut progress: &mut dyn FnMut(f32)) -> Result<Self, String> {
        super::initialise();
        let file = CString::new(path.as_os_str().as_bytes()).map_err(|_| "the path holds a zero byte".to_owned())?;
        // SAFETY: plain values out.
        let mut params = unsafe { sys::llama_model_default_params() };
        params.progress_callback = Some(report);
        params.progress_callback_user_data = (&raw mut progress).cast::<c_void>();
        // SAFETY: `file` and `progress` outlive the call; the callback is not used after it.
        let raw = unsafe { sys::llama_model_load_from_file(file.as_ptr(), params) };
        let raw = NonNull::new(raw).ok_or_else(super::last_error)?;
        // SAFETY: the model was just loaded; its vocabulary lives as long as it does.
        let vocabulary = unsafe { sys::llama_model_get_vocab(raw.as_ptr()) };
        match NonNull::new(vocabulary.cast_mut()) {
            Some(vocabulary) => Ok(Self { raw, vocabulary }),
            None => {
                // SAFETY: nothing else holds the pointer yet.
                unsafe { sys::llama_model_free(raw.as_ptr()) };
                Err("the file has no vocabulary section".to_owned())
            }
        }
    }

    pub(super) fn raw(&self) -> *mut sys::llama_model {
        self.raw.as_ptr()
    }

    pub(crate) fn parameters(&self) -> u64 {
        // SAFETY: the model is alive.
        unsafe { sys::llama_model_n_params(self.raw()) }
    }

    /// Context length the model was trained with, in tokens.
    pub(crate) fn train_context(&self) -> u32 {
        // SAFETY: the model is alive.
        u32::try_from(unsafe { sys::llama_model_n_ctx_train(self.raw()) }).unwrap_or(0)
    }

    /// Width of an embedding.
    pub(crate) fn embedding_width(&self) -> usize {
        // SAFETY: the model is alive.
        usize::try_from(unsafe { sys::llama_model_n_embd_out(self.raw()) }).unwrap_or(0)
    }

    /// False for encoders such as BERT, which have no KV cache.
    pub(crate) fn generates(&self) -> bool {
        // SAFETY: the model is alive.
        unsafe { sys::llama_model_has_decoder(self.raw()) && !sys::llama_model_has_encoder(self.raw()) }
    }

    /// True where a sequence's state cannot be cut back to a prefix (recurrent and hybrid models).
    pub(crate) fn is_recurrent(&self) -> bool {
        // SAFETY: the model is alive.
        unsafe { sys::llama_model_is_recurrent(self.raw()) || sys::llama_model_is_hybrid(self.raw()) }
    }

    /// Width of the sliding attention window, 0 where there is none.
    pub(crate) fn window(&self) -> u32 {
        // SAFETY: the model is alive.
        u32::try_from(unsafe { sys::llama_model_n_swa(self.raw()) }).unwrap_or(0)
    }

    /// A scalar of the file's metadata as text.
    pub(crate) fn metadata(&self, key: &str) -> Option<String> {
        let key = CString::new(key).ok()?;
        let read = |buffer: *mut c_char, size: usize| {
            // SAFETY: `buffer` has room for `size` bytes, or is null with size 0.
            unsafe { sys::llama_model_meta_val_str(self.raw(), key.as_ptr(), buffer, size) }
        };
        let length = usize::try_from(read(std::ptr::null_mut(), 0)).ok()?;
        let mut buffer = vec![0_u8; length + 1];
        read(buffer.as_mut_ptr().cast::<c_char>(), buffer.len());
        buffer.truncate(length);
        String::from_utf8(buffer).ok()
    }

    /// Number of entries in the vocabulary.
    pub(crate) fn vocabulary_size(&self) -> usize {
        // SAFETY: the vocabulary lives as long as the model.
        usize::try_from(unsafe { sys::llama_vocab_n_tokens(self.vocabulary.as_ptr()) }).unwrap_or(0)
    }

    /// Beginning-of-text token, where the vocabulary has one.
    pub(crate) fn bos(&self) -> Option<Token> {
        // SAFETY: the vocabulary lives as long as the model.
        let token = unsafe { sys::llama_vocab_bos(self.vocabulary.as_ptr()) };
        (token >= 0).then_some(token)
    }

    /// End-of-text token, where the vocabulary has one.
    pub(crate) fn eos(&self) -> Option<Token> {
        // SAFETY: the vocabulary lives as long as the model.
        let token = unsafe { sys::llama_vocab_eos(self.vocabulary.as_ptr()) };
        (token >= 0).then_some(token)
    }

    /// Whether a prompt begins with [`Self::bos`].
    pub(crate) fn adds_bos(&self) -> bool {
        // SAFETY: the vocabulary lives as long as the model.
        unsafe { sys::llama_vocab_get_add_bos(self.vocabulary.as_ptr()) }
    }

    /// Whether the token ends a turn or a text.
    pub(crate) fn ends(&self, token: Token) -> bool {
        // SAFETY: callers pass ids below `vocabulary_size`.
        unsafe { sys::llama_vocab_is_eog(self.vocabulary.as_ptr(), token) }
    }

    /// Whether the token steers the model and has no text of its own.
    pub(crate) fn is_control(&self, token: Token) -> bool {
        // SAFETY: callers pass ids below `vocabulary_size`.
        unsafe { sys::llama_vocab_is_control(self.vocabulary.as_ptr(), token) }
    }

    /// The bytes a token stands for; control tokens give their name.
    pub(crate) fn piece(&self, token: Token) -> Vec<u8> {
        let read = |buffer: &mut [u8]| {
            let size = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
            // SAFETY: `buffer` has room for `size` bytes.
            unsafe {
                sys::llama_token_to_piece(
                    self.vocabulary.as_ptr(),
                    token,
                    buffer.as_mut_ptr().cast::<c_char>(),
                    size,
                    0,
                    true,
                )
            }
        };
        let mut buffer = vec![0_u8; 32];
        let mut length = read(&mut buffer);
        if length < 0 {
            buffer.resize(usize::try_from(-i64::from(length)).unwrap_or(0), 0);
            length = read(&mut buffer);
        }
        buffer.truncate(usize::try_from(length).unwrap_or(0));
        buffer
    }

    /// Token ids of `text`. `parse_special` turns names of control tokens into those tokens.
    pub(crate) fn tokenize(&self, text: &str, add_special: bool, parse_special: bool) -> Vec<Token> {
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let read = |buffer: &mut [Token]| {
            let size = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
            // SAFETY: text and buffer have the lengths given; the function only reads the vocabulary.
            unsafe {
                sys::llama_tokenize(
                    self.vocabulary.as_ptr(),
                    text.as_ptr().cast::<c_char>(),
                    length,
                    buffer.as_mut_ptr(),
                    size,
                    add_special,
                    parse_special,
                )
            }
        };
        let mut buffer = vec![0; text.len() / 3 + 16];
        let mut count = read(&mut buffer);
        if count < 0 {
            buffer.resize(usize::try_from(-i64::from(count)).unwrap_or(0), 0);
            count = read(&mut buffer);
        }
        buffer.truncate(usize::try_from(count).unwrap_or(0));
        buffer
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: contexts and adapters hold an `Arc` of the model, so none is left.
        unsafe { sys::llama_model_free(self.raw.as_ptr()) }
    }
}

unsafe extern "C" fn report(progress: f32, state: *mut c_void) -> bool {
    // SAFETY: `state` is the `&mut dyn FnMut` that `Model::load` keeps alive while loading.
    let callback = unsafe { &mut *state.cast::<&mut dyn FnMut(f32)>() };
    callback(progress);
    true
}
