//! Answers as they are made.

use domain::ErrorKind;
use models::{ChatChunks, ModelsError, Route};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use wire::chat::{ChatChunk, FinishReason};
use wire::completion::{CompletionRequest, Prompt};

use crate::peer::{LAST, Peer, STREAM_HEAD, ask, by, events, json_reply, one, piece, raw, read_request, write};

async fn begun(route: &Route) -> ChatChunks {
    route.chat_stream(&ask("hello"), by("ann")).await.unwrap().value
}

/// All pieces, and the error where one ends them.
async fn drained(mut chunks: ChatChunks) -> (Vec<ChatChunk>, Option<ModelsError>) {
    let mut pieces = Vec::new();
    while let Some(next) = chunks.next().await {
        match next {
            Ok(piece) => pieces.push(piece),
            Err(error) => {
                assert!(chunks.next().await.is_none(), "something after an error");
                return (pieces, Some(error));
            }
        }
    }
    (pieces, None)
}

async fn streamed(data: Vec<String>) -> (Vec<ChatChunk>, Option<ModelsError>) {
    let peer = Peer::start(move |_| {
        let data = data.clone();
        async move { events(&data.iter().map(String::as_str).collect::<Vec<_>>()) }
    })
    .await;
    let (_, route) = one(&peer.base_url, |_| {});
    drained(begun(&route).await).await
}

fn words(pieces: &[ChatChunk]) -> String {
    let choices = pieces.iter().flat_map(|piece| &piece.choices);
    choices.filter_map(|choice| choice.delta.content.as_deref()).collect()
}

#[tokio::test]
async fn a_stream_arrives_whole_and_the_connection_is_used_again() {
    let usage = json!({"id": "c1", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).to_string();
    let peer = Peer::start(move |_| {
        let usage = usage.clone();
        async move { events(&[&piece("he"), &piece("llo ☃"), LAST, &usage, "[DONE]"]) }
    })
    .await;
    let (catalog, route) = one(&peer.base_url, |_| {});
    for _ in 0..2 {
        let (pieces, error) = drained(begun(&route).await).await;
        assert_eq!((words(&pieces), error), ("hello ☃".to_owned(), None));
        assert!(pieces.iter().all(|piece| piece.model == "big"));
        assert_eq!(pieces[2].choices[0].finish_reason, Some(FinishReason::Stop));
        assert_eq!(pieces[3].usage.unwrap().prompt_tokens, 3);
    }
    assert_eq!(peer.seen()[0].body["stream_options"], json!({"include_usage": true}));
    let snapshot = &catalog.snapshots()[0];
    assert_eq!((snapshot.running, snapshot.counts.errors.len(), snapshot.counts.cancelled), (0, 0, 0));
}

#[tokio::test]
async fn tool_calls_without_an_index_are_told_apart() {
    let call = |id: &str, name: &str| {
        let call = json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).to_string()
    };
    let last = LAST.replace("stop", "tool_calls");
    let (pieces, error) = streamed(vec![call("a", "f"), call("b", "g"), last, "[DONE]".into()]).await;
    let calls: Vec<_> = pieces.iter().flat_map(|p| &p.choices).flat_map(|c| &c.delta.tool_calls).collect();
    assert_eq!((calls[0].index, calls[1].index, error), (0, 1, None));
}

#[tokio::test]
async fn thoughts_and_signs_of_life_are_no_part_of_the_answer() {
    let thought = json!({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}).to_string();
    let (pieces, error) =
        streamed(vec![r#"{"choices":[]}"#.into(), thought, piece("hi"), LAST.into(), "[DONE]".into()]).await;
    assert_eq!((pieces.len(), words(&pieces), error), (2, "hi".to_owned(), None));
}

#[tokio::test]
async fn a_server_that_closes_without_done_is_believed_only_if_every_answer_ended() {
    let (pieces, error) = streamed(vec![piece("hi"), LAST.into()]).await;
    assert_eq!((words(&pieces), error), ("hi".to_owned(), None));
    for unfinished in [vec![piece("hi")], vec![piece("hi"), "[DONE]".into()]] {
        let (pieces, error) = streamed(unfinished).await;
        assert_eq!((&*words(&pieces), error.unwrap().code()), ("hi", "upstream_interrupted"));
    }
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it() {
    let error = json!({"error": {"message": "out of memory", "code": 500}}).to_string();
    let (pieces, error) = streamed(vec![piece("hi"), error, "[DONE]".into()]).await;
    assert_eq!((&*words(&pieces), error.unwrap().code()), ("hi", "upstream_failed"));
    let (_, error) = streamed(vec![piece("hi"), "{nonsense".into()]).await;
    assert_eq!(error.unwrap().code(), "upstream_invalid_reply");
}

#[tokio::test]
async fn an_error_before_the_first_piece_is_one_of_the_request() {
    let peer = Peer::start(|seen| async move {
        match seen.at {
            0 => events(&[r#"{"error":{"message":"maximum context length is 8","type":"BadRequestError"}}"#]),
            1 => json_reply(200, &json!({"error": "boom"})),
            2 => json_reply(200, &json!({"choices": []})),
            _ => events(&[]),
        }
    })
    .await;
    let (_, route) = one(&peer.base_url, |_| {});
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(route.chat_stream(&ask("hello"), by("ann")).await.unwrap_err().code());
    }
    assert_eq!(codes, ["context_length_exceeded", "upstream_failed", "upstream_invalid_reply", "upstream_interrupted"]);
}

#[tokio::test]
async fn a_cut_stream_is_an_error_and_is_not_sent_again() {
    let (told, mut connections) = mpsc::unbounded_channel();
    let base_url = raw(move |number, mut stream| {
        told.send(number).unwrap();
        async move {
            read_request(&mut stream).await;
            write(&mut stream, &format!("{STREAM_HEAD}data: {}\n\ndata: {{\"choi", piece("hi"))).await;
        }
    })
    .await;
    let (catalog, route) = one(&base_url, |_| {});
    let (pieces, error) = drained(begun(&route).await).await;
    let error = error.unwrap();
    assert_eq!((&*words(&pieces), error.kind(), error.code()), ("hi", ErrorKind::Unavailable, "upstream_interrupted"));
    assert_eq!((connections.recv().await, connections.try_recv().is_err()), (Some(0), true));
    assert_eq!(catalog.snapshots()[0].counts.errors["upstream_interrupted"], 1);
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let (told, mut closed) = mpsc::unbounded_channel();
    let base_url = raw(move |_, mut stream| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            write(&mut stream, &format!("{STREAM_HEAD}data: {}\n\n", piece("hi"))).await;
            let rest = stream.read(&mut [0; 1]).await;
            told.send(rest.unwrap_or(0)).unwrap();
        }
    })
    .await;
    let (catalog, route) = one(&base_url, |_| {});
    let mut chunks = begun(&route).await;
    assert!(chunks.next().await.unwrap().is_ok());
    assert_eq!(catalog.snapshots()[0].running, 1);
    drop(chunks);
    assert_eq!(closed.recv().await, Some(0));
    let snapshot = &catalog.snapshots()[0];
    assert_eq!((snapshot.running, snapshot.counts.cancelled), (0, 1));
}

#[tokio::test]
async fn two_answers_must_both_end() {
    let of = |index: u32, reason: Option<&str>| {
        json!({"choices": [{"index": index, "delta": {"content": "x"}, "finish_reason": reason}]}).to_string()
    };
    let peer = Peer::start(move |seen| async move {
        let second = if seen.at == 0 { of(1, Some("stop")) } else { of(1, None) };
        events(&[&of(0, Some("length")), &second, "[DONE]"])
    })
    .await;
    let (_, route) = one(&peer.base_url, |_| {});
    let mut request = ask("hello");
    request.n = Some(2);
    let first = route.chat_stream(&request, by("ann")).await.unwrap().value;
    assert!(drained(first).await.1.is_none());
    let second = route.chat_stream(&request, by("ann")).await.unwrap().value;
    assert_eq!(drained(second).await.1.unwrap().code(), "upstream_interrupted");
}

#[tokio::test]
async fn completions_stream_too() {
    let peer = Peer::start(|_| async {
        let piece = json!({"choices": [{"index": 0, "text": "b", "finish_reason": null}]}).to_string();
        let last = json!({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}).to_string();
        events(&[&piece, &last, "[DONE]"])
    })
    .await;
    let (_, route) = one(&peer.base_url, |_| {});
    let request =
        CompletionRequest { model: "big".into(), prompt: vec![Prompt::Text("a".into())], ..Default::default() };
    let mut chunks = route.completion_stream(&request, by("ann")).await.unwrap().value;
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        text.extend(chunk.unwrap().choices.into_iter().map(|choice| choice.text));
    }
    assert_eq!(text, "b");
}
