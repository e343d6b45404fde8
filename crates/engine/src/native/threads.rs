//! A thread pool that lives as long as its context; without one ggml starts its threads anew for each decode.

use std::ptr::NonNull;

use llama_cpp_sys_2 as sys;

/// Owns `ggml_threadpool`.
pub(super) struct Threads {
    raw: NonNull<sys::ggml_threadpool>,
}

// SAFETY: used only through the context that owns it.
unsafe impl Send for Threads {}

impl Threads {
    /// A pool of `count` threads, the calling one among them. `None` where the system refuses threads.
    pub(super) fn new(count: i32) -> Option<Self> {
        // SAFETY: plain values out and in; the parameters are copied.
        let raw = unsafe {
            let mut params = sys::ggml_threadpool_params_default(count);
            sys::ggml_threadpool_new(&raw mut params)
        };
        NonNull::new(raw).map(|raw| Self { raw })
    }

    pub(super) fn raw(&self) -> *mut sys::ggml_threadpool {
        self.raw.as_ptr()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // SAFETY: no computation uses the pool: the context has taken up another one, or is gone.
        unsafe { sys::ggml_threadpool_free(self.raw.as_ptr()) }
    }
}
