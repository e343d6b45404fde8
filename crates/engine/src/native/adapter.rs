//! A LoRA adapter on top of a loaded model.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use llama_cpp_sys_2 as sys;

use super::Model;

/// Owns `llama_adapter_lora`. Created, used and freed on the model thread only.
pub(crate) struct Adapter {
    raw: NonNull<sys::llama_adapter_lora>,
    // INVARIANT: the model outlives the adapter.
    _model: Arc<Model>,
}

impl Adapter {
    /// Loads a GGUF adapter made for `model`. The error is llama.cpp's own last error line.
    pub(crate) fn load(model: &Arc<Model>, path: &Path) -> Result<Self, String> {
        let file = CString::new(path.as_os_str().as_bytes()).map_err(|_| "the path holds a zero byte".to_owned())?;
        // SAFETY: the model is alive, and the model thread is the only one that registers adapters.
        let raw = unsafe { sys::llama_adapter_lora_init(model.raw(), file.as_ptr()) };
        let raw = NonNull::new(raw).ok_or_else(super::last_error)?;
        Ok(Self { raw, _model: Arc::clone(model) })
    }

    pub(super) fn raw(&self) -> *mut sys::llama_adapter_lora {
        self.raw.as_ptr()
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        // SAFETY: the scheduler drops an adapter only when no sequence uses it, after setting another on the context.
        unsafe { sys::llama_adapter_lora_free(self.raw.as_ptr()) }
    }
}
