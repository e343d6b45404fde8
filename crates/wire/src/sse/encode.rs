//! Writes events into a buffer the caller owns.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

/// Writes `data: {json}` and the blank line.
///
/// # Errors
/// When the value cannot be JSON (a map whose keys are no strings); the buffer is as before.
pub fn data<T: Serialize + ?Sized>(buffer: &mut BytesMut, value: &T) -> Result<(), serde_json::Error> {
    let before = buffer.len();
    buffer.put_slice(b"data: ");
    json_line(buffer, value).inspect_err(|_| buffer.truncate(before))
}

/// Writes `event: name`, `data: {json}` and the blank line. The name holds no line break.
///
/// # Errors
/// As [`data`].
pub fn named<T: Serialize + ?Sized>(buffer: &mut BytesMut, name: &str, value: &T) -> Result<(), serde_json::Error> {
    let before = buffer.len();
    buffer.put_slice(b"event: ");
    buffer.put_slice(name.as_bytes());
    buffer.put_slice(b"\ndata: ");
    json_line(buffer, value).inspect_err(|_| buffer.truncate(before))
}

/// Writes text as it is; each of its lines becomes a `data:` line.
pub fn raw(buffer: &mut BytesMut, text: &str) {
    for line in lines(text) {
        buffer.put_slice(b"data: ");
        buffer.put_slice(line.as_bytes());
        buffer.put_u8(b'\n');
    }
    buffer.put_u8(b'\n');
}

/// Writes a comment, which readers skip: it breaks a silence.
pub fn comment(buffer: &mut BytesMut, text: &str) {
    for line in lines(text) {
        buffer.put_slice(b": ");
        buffer.put_slice(line.as_bytes());
        buffer.put_u8(b'\n');
    }
    buffer.put_u8(b'\n');
}

/// Writes the end of an OpenAI stream.
pub fn done(buffer: &mut BytesMut) {
    buffer.put_slice(b"data: [DONE]\n\n");
}

/// JSON of `serde_json` holds no line break, so that one line is enough.
fn json_line<T: Serialize + ?Sized>(buffer: &mut BytesMut, value: &T) -> Result<(), serde_json::Error> {
    serde_json::to_writer(buffer.writer(), value)?;
    buffer.put_slice(b"\n\n");
    Ok(())
}

/// Lines as a reader of events sees them: CR, LF and CRLF all end one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((line, after)) = text.split_once(['\r', '\n']) else { return rest.take() };
        let ends_with_cr = text.as_bytes()[line.len()] == b'\r';
        rest = Some(if ends_with_cr { after.strip_prefix('\n').unwrap_or(after) } else { after });
        Some(line)
    })
}
