//! The only place that calls llama.cpp: small safe types over its C functions.
//!
//! Why not the published safe wrapper: it has no way to change the threads of a live context, to attach a
//! thread pool, or to load an adapter while a context lives, and all three are needed here.

mod adapter;
mod batch;
mod context;
mod log;
mod model;
mod threads;

pub(crate) use adapter::Adapter;
pub(crate) use batch::Batch;
pub(crate) use context::{Context, ContextOptions, DecodeFailure};
pub(crate) use model::Model;

use std::sync::Once;

/// Token id as llama.cpp counts them.
pub(crate) type Token = i32;

/// A sequence of the KV cache.
pub(crate) type Sequence = i32;

/// Prepares llama.cpp once per process and routes its log lines into `tracing`.
pub(crate) fn initialise() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::install();
        // SAFETY: called once, before any other function of the library.
        unsafe { llama_cpp_sys_2::llama_backend_init() };
    });
}

/// The last line llama.cpp logged as an error: the cause when one of its functions only says "failed".
pub(crate) fn last_error() -> String {
    log::last_error()
}

/// The CPU features this build of ggml uses, in its own words.
pub(crate) fn cpu_features() -> String {
    initialise();
    // SAFETY: returns a pointer to a static, null-terminated string.
    let text = unsafe { std::ffi::CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) };
    text.to_string_lossy().trim().trim_end_matches('|').trim().to_owned()
}

/// The version of llama.cpp that is linked.
pub(crate) fn version() -> String {
    // SAFETY: returns a pointer to a static, null-terminated string.
    let text = unsafe { std::ffi::CStr::from_ptr(llama_cpp_sys_2::llama_version()) };
    text.to_string_lossy().into_owned()
}
