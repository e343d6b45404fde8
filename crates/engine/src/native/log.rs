//! llama.cpp's log callback, routed into `tracing` under the target `llama`.
//!
//! Its lines name tensors, sizes and files; they never carry tokens or text.

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, PoisonError};

use llama_cpp_sys_2 as sys;

/// Lines arrive in pieces: a level first, then continuations. `last_error` keeps the newest whole error line.
struct Lines {
    level: sys::ggml_log_level,
    pending: String,
    last_error: String,
}

static LINES: Mutex<Lines> =
    Mutex::new(Lines { level: sys::GGML_LOG_LEVEL_NONE, pending: String::new(), last_error: String::new() });

pub(super) fn install() {
    // SAFETY: `receive` is a plain function without captured state, so the null user pointer is never read.
    unsafe {
        sys::llama_log_set(Some(receive), std::ptr::null_mut());
        sys::ggml_log_set(Some(receive), std::ptr::null_mut());
    }
}

pub(super) fn last_error() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    match lines.last_error.is_empty() {
        true => "llama.cpp gave no reason".to_owned(),
        false => lines.last_error.clone(),
    }
}

unsafe extern "C" fn receive(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a null-terminated string that lives for the duration of the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if level != sys::GGML_LOG_LEVEL_CONT {
        lines.level = level;
    }
    lines.pending.push_str(&text);
    if lines.pending.ends_with('\n') {
        let line = std::mem::take(&mut lines.pending);
        let line = line.trim_end();
        if lines.level == sys::GGML_LOG_LEVEL_ERROR && !line.is_empty() {
            lines.last_error = line.to_owned();
        }
        emit(lines.level, line);
    }
}

fn emit(level: sys::ggml_log_level, line: &str) {
    match level {
        sys::GGML_LOG_LEVEL_ERROR => tracing::error!(target: "llama", "{line}"),
        sys::GGML_LOG_LEVEL_WARN => tracing::warn!(target: "llama", "{line}"),
        sys::GGML_LOG_LEVEL_INFO => tracing::debug!(target: "llama", "{line}"),
        _ => tracing::trace!(target: "llama", "{line}"),
    }
}
