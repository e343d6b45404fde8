//! Reads events from bytes that arrive in any pieces (WHATWG HTML, section 9.2 "Server-sent events").

/// An event: its name where it has one, and its data, lines joined by a line feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SseEvent {
    /// From the `event:` line; none means `message`.
    pub name: Option<String>,
    /// From the `data:` lines.
    pub data: String,
}

/// A stream that is no stream of events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An event is longer than the reader allows.
    #[error("an event is longer than {limit} bytes; raise the limit or mend the upstream")]
    TooLong {
        /// Most bytes of one event.
        limit: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the event stream is not UTF-8; mend the upstream")]
    NotUtf8,
    /// The stream ended inside an event.
    #[error("the event stream ended inside an event; ask again")]
    Truncated,
}

/// Reads events. Feed it with [`Decoder::push`], then take events until there is none.
#[derive(Debug)]
pub struct Decoder {
    /// Bytes that are not yet a whole line, from `start` on.
    buffer: Vec<u8>,
    /// Where the unread bytes begin.
    start: usize,
    /// How far the unread bytes were searched for a line's end.
    searched: usize,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Nothing was read yet: a byte order mark may follow.
    at_beginning: bool,
    event: SseEvent,
    /// Whether the event has data, even if empty.
    has_data: bool,
    limit: usize,
}

impl Decoder {
    /// A reader that allows `limit` bytes for one event.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            after_cr: false,
            at_beginning: true,
            event: SseEvent::default(),
            has_data: false,
            limit,
        }
    }

    /// Takes in bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event; none until more bytes arrive.
    ///
    /// # Errors
    /// When an event is too long or not UTF-8; the stream cannot be read on.
    pub fn next_event(&mut self) -> Result<Option<SseEvent>, DecodeError> {
        while let Some((from, to)) = self.next_line() {
            let from = if std::mem::take(&mut self.at_beginning) { self.skip_byte_order_mark(from, to) } else { from };
            if from == to {
                let event = std::mem::take(&mut self.event);
                if std::mem::take(&mut self.has_data) {
                    return Ok(Some(event));
                }
                continue;
            }
            self.take_line(from, to)?;
        }
        if self.buffer.len() - self.start + self.event.data.len() > self.limit {
            return Err(DecodeError::TooLong { limit: self.limit });
        }
        Ok(None)
    }

    /// At the end of the stream: an event whose lines are whole counts although its blank line is missing.
    ///
    /// # Errors
    /// When the stream ended inside a line.
    pub fn finish(mut self) -> Result<Option<SseEvent>, DecodeError> {
        let rest = &self.buffer[self.start..];
        if rest == b"data: [DONE]" || rest == b"data:[DONE]" {
            self.push(b"\n");
            return self.finish_lines();
        }
        if rest.is_empty() { self.finish_lines() } else { Err(DecodeError::Truncated) }
    }

    fn finish_lines(&mut self) -> Result<Option<SseEvent>, DecodeError> {
        match self.next_event()? {
            Some(event) => Ok(Some(event)),
            None if self.has_data => Ok(Some(std::mem::take(&mut self.event))),
            None => Ok(None),
        }
    }

    /// Where the next whole line is in the buffer, without its end.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        if self.after_cr && self.buffer.get(self.start) == Some(&b'\n') {
            self.start += 1;
            self.after_cr = false;
        }
        self.searched = self.searched.max(self.start);
        let found = self.buffer[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(offset) = found else {
            self.searched = self.buffer.len();
            return None;
        };
        let (from, to) = (self.start, self.searched + offset);
        self.after_cr = self.buffer[to] == b'\r';
        self.start = to + 1;
        self.searched = self.start;
        Some((from, to))
    }

    fn skip_byte_order_mark(&self, from: usize, to: usize) -> usize {
        if self.buffer[from..to].starts_with("\u{feff}".as_bytes()) { from + "\u{feff}".len() } else { from }
    }

    fn take_line(&mut self, from: usize, to: usize) -> Result<(), DecodeError> {
        if to - from + self.event.data.len() > self.limit {
            return Err(DecodeError::TooLong { limit: self.limit });
        }
        let line = std::str::from_utf8(&self.buffer[from..to]).map_err(|_| DecodeError::NotUtf8)?;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => self.event.name = Some(value.to_owned()),
            // Comments have an empty field name; `id` and `retry` serve reconnection, which nobody does here.
            _ => {}
        }
        Ok(())
    }
}
