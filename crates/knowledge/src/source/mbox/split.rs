//! The messages of a mailbox, one after the other, of a file of any size.
//!
//! A line that begins with `From ` begins a message, wherever it stands (qmail's mbox(5), RFC 4155). Whoever writes mailboxes
//! puts a `>` before such lines of a mail; where one did not, the rest of that mail is a message of its own, without
//! headers: two mails are never taken for one, which could show one to the readers of the other.

use std::io::{self, BufRead, Read};

use super::super::digest::Digest;

/// Bytes of headers at most.
const MOST_HEADER_BYTES: usize = 1 << 20;
/// Bytes of a line that are looked at together.
const PIECE_BYTES: u64 = 1 << 16;
const SEPARATOR: &[u8] = b"From ";

/// A message of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Where it begins, after the line that separates it, bytes from the beginning of the mailbox.
    pub(super) start: u64,
    /// Its bytes in the mailbox.
    pub(super) length: u64,
    /// Its headers, with the empty line behind them where there is one.
    pub(super) headers: Vec<u8>,
    /// The digest of its bytes, as [`unquoted`] gives them.
    pub(super) version: String,
    /// Whether its headers are all there.
    pub(super) is_whole: bool,
}

/// A piece of a line.
struct Piece {
    bytes: Vec<u8>,
    begins_line: bool,
}

/// A file in lines, and long lines in pieces.
struct Pieces<R> {
    file: R,
    at: u64,
    begins_line: bool,
}

impl<R: BufRead> Pieces<R> {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(PIECE_BYTES).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.at += read as u64;
        let begins_line = std::mem::replace(&mut self.begins_line, bytes.ends_with(b"\n"));
        Ok(Some(Piece { bytes, begins_line }))
    }
}

/// The messages of a mailbox. Nothing comes after an error.
pub(super) struct Messages<R> {
    pieces: Pieces<R>,
    /// Whether the line that separates was read, and ends where the next message begins.
    is_inside: bool,
    is_over: bool,
}

impl<R: BufRead> Messages<R> {
    pub(super) const fn new(file: R) -> Self {
        Self { pieces: Pieces { file, at: 0, begins_line: true }, is_inside: false, is_over: false }
    }

    fn message(&mut self) -> io::Result<Option<Message>> {
        if !self.is_inside && !self.first_separator()? {
            return Ok(None);
        }
        self.is_inside = false;
        let start = self.pieces.at;
        let mut end = start;
        let mut reading = Reading::default();
        while let Some(piece) = self.pieces.next()? {
            if is_separator(&piece) {
                self.rest_of_line(&piece)?;
                self.is_inside = true;
                break;
            }
            end = self.pieces.at;
            reading.add(piece);
        }
        Ok(Some(reading.finish(start, end)))
    }

    /// Goes on to the first message. What stands before it belongs to none.
    fn first_separator(&mut self) -> io::Result<bool> {
        while let Some(piece) = self.pieces.next()? {
            if is_separator(&piece) {
                self.rest_of_line(&piece)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rest_of_line(&mut self, piece: &Piece) -> io::Result<()> {
        let mut ended = piece.bytes.ends_with(b"\n");
        while !ended {
            ended = self.pieces.next()?.is_none_or(|piece| piece.bytes.ends_with(b"\n"));
        }
        Ok(())
    }
}

impl<R: BufRead> Iterator for Messages<R> {
    type Item = io::Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let message = self.message().transpose();
        self.is_over = !matches!(message, Some(Ok(_)));
        message
    }
}

fn is_separator(piece: &Piece) -> bool {
    piece.begins_line && piece.bytes.starts_with(SEPARATOR)
}

/// A message in the making.
struct Reading {
    headers: Vec<u8>,
    digest: Digest,
    in_headers: bool,
    is_whole: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self { headers: Vec::new(), digest: Digest::default(), in_headers: true, is_whole: true }
    }
}

impl Reading {
    fn add(&mut self, piece: Piece) {
        let bytes = unquote(&piece);
        self.digest.add(bytes);
        if !self.in_headers {
            return;
        }
        match self.headers.len() + bytes.len() <= MOST_HEADER_BYTES {
            true => self.headers.extend_from_slice(bytes),
            false => self.is_whole = false,
        }
        self.in_headers = self.is_whole && !(piece.begins_line && is_empty_line(bytes));
    }

    fn finish(self, start: u64, end: u64) -> Message {
        let Self { headers, digest, is_whole, .. } = self;
        Message { start, length: end - start, headers, version: digest.short(), is_whole }
    }
}

fn is_empty_line(bytes: &[u8]) -> bool {
    matches!(bytes, b"\n" | b"\r\n")
}

/// A line that was quoted because it begins with `From `, or with one quoted already, has one `>` less.
fn unquote(piece: &Piece) -> &[u8] {
    let bytes = piece.bytes.as_slice();
    let marks = bytes.iter().take_while(|byte| **byte == b'>').count();
    let is_quoted = piece.begins_line && marks > 0 && bytes[marks..].starts_with(SEPARATOR);
    &bytes[usize::from(is_quoted)..]
}

/// The bytes of a message: as they stand in the mailbox, but for the marks before `From `.
pub(super) fn unquoted(file: impl Read, length: u64) -> io::Result<Vec<u8>> {
    let file = io::BufReader::new(file.take(length));
    let mut pieces = Pieces { file, at: 0, begins_line: true };
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next()? {
        bytes.extend_from_slice(unquote(&piece));
    }
    Ok(bytes)
}

/// The headers of a message, with the empty line behind them.
pub(super) fn headers_of(message: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if is_empty_line(line) {
            break;
        }
    }
    message.get(..end).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn bodies(mailbox: &[u8]) -> Vec<Vec<u8>> {
        let messages = Messages::new(Cursor::new(mailbox)).map(Result::unwrap);
        let body = |message: Message| {
            let stretch = &mailbox[message.start as usize..(message.start + message.length) as usize];
            let bytes = unquoted(stretch, message.length).unwrap();
            assert_eq!(message.version, Digest::of(&bytes));
            assert_eq!(message.headers, headers_of(&bytes));
            bytes
        };
        messages.map(body).collect()
    }

    #[test]
    fn messages_are_separated_and_marks_taken_off() {
        let mailbox = b"preface\nFrom a@b Thu Jan  1\nSubject: one\n\n>From here\n>>From there\n> From not\n>Fromm\n\n\
            From c@d Thu Jan  1\r\nSubject: two\r\n\r\nFrom nowhere\r\nx";
        let expected: [&[u8]; 3] =
            [b"Subject: one\n\nFrom here\n>From there\n> From not\n>Fromm\n\n", b"Subject: two\r\n\r\n", b"x"];
        assert_eq!(bodies(mailbox), expected);
        assert!(bodies(b"").is_empty() && bodies(b"no mailbox\n").is_empty());
        assert_eq!(bodies(b"From x"), [b""]);
    }

    #[test]
    fn a_long_line_is_one_line() {
        let mut mailbox = b"From a\n\n".to_vec();
        mailbox.extend(vec![b'x'; PIECE_BYTES as usize]);
        mailbox.extend(b"From b\n");
        assert_eq!(bodies(&mailbox).len(), 1);
        let mut long = b"From ".to_vec();
        long.extend(vec![b'y'; 3 * PIECE_BYTES as usize]);
        long.extend(b"\nz\n");
        assert_eq!(bodies(&long), [b"z\n"]);
    }

    #[test]
    fn headers_without_an_end_are_told() {
        let mut mailbox = b"From a\n".to_vec();
        mailbox.extend(b"X: y\n".repeat(MOST_HEADER_BYTES / 5 + 1));
        mailbox.extend(b"From b\nSubject: s\n\n");
        let whole: Vec<bool> = Messages::new(Cursor::new(mailbox)).map(|message| message.unwrap().is_whole).collect();
        assert_eq!(whole, [false, true]);
    }

    proptest! {
        #[test]
        fn any_messages_come_back(written in proptest::collection::vec("(>{0,2}(From )?[a-z]{0,3}\n){0,5}", 0..5)) {
            let quoted = |message: &String| -> String {
                let mark = |line: &str| match line.trim_start_matches('>').starts_with("From ") {
                    true => format!(">{line}"),
                    false => line.to_owned(),
                };
                format!("From x\n{}", message.split_inclusive('\n').map(mark).collect::<String>())
            };
            let mailbox: String = written.iter().map(quoted).collect();
            let found = bodies(mailbox.as_bytes());
            prop_assert_eq!(found, written.into_iter().map(String::into_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_messages(bytes in proptest::collection::vec(prop_oneof![
            Just(b"From ".to_vec()), Just(b"\n".to_vec()), Just(b">".to_vec()), any::<[u8; 2]>().prop_map(|b| b.to_vec()),
        ], 0..40)) {
            let bytes = bytes.concat();
            prop_assert!(bodies(&bytes).iter().map(Vec::len).sum::<usize>() <= bytes.len());
        }
    }
}
