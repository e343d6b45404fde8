//! Streams of events: what is written reads back, however the bytes are cut.

use bytes::BytesMut;
use expect_test::expect;
use proptest::prelude::*;
use wire::sse::{self, DecodeError, Decoder, SseEvent};

fn event(name: Option<&str>, data: &str) -> SseEvent {
    SseEvent { name: name.map(str::to_owned), data: data.to_owned() }
}

/// Reads pieces to the end, or to the first error.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> (Vec<SseEvent>, Option<DecodeError>) {
    let mut decoder = Decoder::new(limit);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    match decoder.finish() {
        Ok(last) => events.extend(last),
        Err(error) => return (events, Some(error)),
    }
    (events, None)
}

fn whole(stream: &str) -> (Vec<SseEvent>, Option<DecodeError>) {
    read([stream.as_bytes()], 1000)
}

#[test]
fn a_stream_as_it_is_written() {
    let mut buffer = BytesMut::new();
    sse::data(&mut buffer, &serde_json::json!({"text": "a\nb"})).unwrap();
    sse::named(&mut buffer, "response.created", &serde_json::json!({"n": 0})).unwrap();
    sse::comment(&mut buffer, "still\r\nhere");
    sse::raw(&mut buffer, "one\ntwo\rthree\r\n");
    sse::done(&mut buffer);
    expect![[r#"
        data: {"text":"a\nb"}

        event: response.created
        data: {"n":0}

        : still
        : here

        data: one
        data: two
        data: three
        data: 

        data: [DONE]

    "#]]
    .assert_eq(std::str::from_utf8(&buffer).unwrap());
}

#[test]
fn what_cannot_be_written_leaves_the_buffer_as_it_was() {
    let unwritable = std::collections::HashMap::from([(vec![1_u8], 1)]);
    let mut buffer = BytesMut::from(&b"before"[..]);
    assert!(sse::data(&mut buffer, &unwritable).is_err());
    assert!(sse::named(&mut buffer, "name", &unwritable).is_err());
    assert_eq!(&buffer[..], b"before");
}

#[test]
fn all_three_ends_of_a_line_are_read() {
    let events = vec![event(Some("e"), "a\nb"), event(None, "c")];
    for end in ["\n", "\r", "\r\n"] {
        let stream = "event: e\ndata: a\ndata: b\n\ndata: c\n\n".replace('\n', end);
        assert_eq!(whole(&stream), (events.clone(), None), "{stream:?}");
    }
}

#[test]
fn fields_are_read_as_the_standard_says() {
    // One space after the colon is not part of the value; a field without a colon is empty.
    assert_eq!(whole("data:a\n\ndata:  b\n\ndata\n\n").0, [event(None, "a"), event(None, " b"), event(None, "")]);
    // An event without data is none, and its name is forgotten.
    assert_eq!(whole("event: x\n\ndata: a\n\n").0, [event(None, "a")]);
    // Comments, `id`, `retry` and unknown fields are skipped.
    assert_eq!(whole(": hi\nid: 7\nretry: 1\nfoo: x\ndata: a\n\n").0, [event(None, "a")]);
    // A byte order mark counts at the very beginning only.
    assert_eq!(whole("\u{feff}data: a\n\n").0, [event(None, "a")]);
    assert_eq!(whole("\n\u{feff}data: a\n\n").0, []);
}

#[test]
fn the_end_of_a_stream() {
    assert_eq!(whole("data: a\n\ndata: [DONE]\n"), (vec![event(None, "a"), event(None, "[DONE]")], None));
    assert_eq!(whole("data: a\n\ndata: [DONE]"), (vec![event(None, "a"), event(None, "[DONE]")], None));
    assert_eq!(whole("data: {\"half"), (vec![], Some(DecodeError::Truncated)));
    assert_eq!(whole(""), (vec![], None));
}

#[test]
fn an_event_longer_than_the_limit_is_an_error_at_once() {
    let endless = [b"data: ".as_slice(), &[b'a'; 40], &[b'a'; 40], &[b'a'; 40]];
    assert_eq!(read(endless, 100), (vec![], Some(DecodeError::TooLong { limit: 100 })));
    let lines = "data: 0123456789\n".repeat(20);
    assert_eq!(read([lines.as_bytes()], 100).1, Some(DecodeError::TooLong { limit: 100 }));
    // The limit is for one event, not for what is in flight.
    let many = "data: 0123456789\n\n".repeat(20);
    assert_eq!(read([many.as_bytes()], 100).0.len(), 20);
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    assert_eq!(read([b"data: \xff\n\n".as_slice()], 100), (vec![], Some(DecodeError::NotUtf8)));
}

/// Pieces of a stream at places given as fractions.
fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    ends.into_iter().map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        stream in r"((data|event|id|:|)(:| ?)[a-zé🦀 ]{0,12}(\n|\r|\r\n)|\n|\r\n){0,20}",
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        limit in 8_usize..80,
    ) {
        prop_assert_eq!(read(cut(stream.as_bytes(), &places), limit), read([stream.as_bytes()], limit));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..200),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assert_eq!(read(cut(&bytes, &places), 64), read([bytes.as_slice()], 64));
    }

    #[test]
    fn what_is_written_reads_back(
        events in prop::collection::vec((prop::option::of("[a-z.]{1,20}"), ".{0,40}"), 0..10),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut buffer = BytesMut::new();
        for (name, text) in &events {
            sse::comment(&mut buffer, text);
            match name {
                Some(name) => sse::named(&mut buffer, name, text).unwrap(),
                None => sse::data(&mut buffer, text).unwrap(),
            }
        }
        let (read, error) = read(cut(&buffer, &places), 10_000);
        prop_assert_eq!(error, None);
        let read: Vec<_> = read.into_iter().map(|event| {
            (event.name, serde_json::from_str::<String>(&event.data).unwrap())
        }).collect();
        prop_assert_eq!(read, events);
    }

    #[test]
    fn raw_text_reads_back_with_line_feeds(text in r"[a-z \n\r]{0,40}") {
        let mut buffer = BytesMut::new();
        sse::raw(&mut buffer, &text);
        let (events, error) = read([&buffer[..]], 1000);
        prop_assert_eq!(error, None);
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(events, vec![event(None, &lines)]);
    }
}
