//! The queue in front of an upstream, and the time-outs.

use domain::ErrorKind;
use models::{ModelsError, Phase};
use tokio::sync::{mpsc, watch};

use crate::peer::{
    LAST, Peer, STREAM_HEAD, ask, by, catalog, events, local, one, piece, raw, read_request, said, until, write,
};

/// A peer that answers once its gate is open.
async fn gated() -> (Peer, watch::Sender<bool>) {
    let (open, gate) = watch::channel(false);
    let peer = Peer::start(move |_| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            said("hi")
        }
    })
    .await;
    (peer, open)
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_when() {
    let (peer, open) = gated().await;
    let (catalog, route) = one(&peer.base_url, |config| {
        config.max_concurrent = 1;
        config.max_waiting = 1;
    });
    let spawn = |caller: &'static str| {
        let route = route.clone();
        tokio::spawn(async move { route.chat(&ask("hello"), by(caller)).await.map(|answered| answered.by.queue_ms) })
    };
    let running = spawn("ann");
    until(|| catalog.snapshots()[0].running == 1).await;
    let waiting = spawn("ann");
    until(|| catalog.snapshots()[0].waiting == 1).await;
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.retry_after_seconds()),
        (ErrorKind::RateLimited, "queue_full", Some(1))
    );
    open.send(true).unwrap();
    assert!(running.await.unwrap().is_ok());
    assert!(waiting.await.unwrap().unwrap() > 0.0);
    assert_eq!(catalog.snapshots()[0].counts.errors["queue_full"], 1);
}

#[tokio::test]
async fn a_full_queue_lets_a_listed_fallback_answer() {
    let (peer, open) = gated().await;
    let other = Peer::start(|_| async { said("hi") }).await;
    let catalog = catalog();
    let mut config = local("gpu", &peer.base_url, "big");
    (config.max_concurrent, config.max_waiting) = (1, 0);
    catalog.put(config).unwrap();
    catalog.put(local("cpu", &other.base_url, "small")).unwrap();
    catalog.set_fallbacks([("big".to_owned(), vec!["small".to_owned()])].into()).unwrap();
    let route = catalog.resolve("big").unwrap();
    let first = tokio::spawn({
        let route = route.clone();
        async move { route.chat(&ask("hello"), by("ann")).await.unwrap().by.model }
    });
    until(|| catalog.snapshots()[1].running == 1).await;
    assert_eq!(route.chat(&ask("hello"), by("ann")).await.unwrap().by.model, "small");
    open.send(true).unwrap();
    assert_eq!(first.await.unwrap(), "big");
}

#[tokio::test]
async fn callers_take_turns() {
    let (order, mut seen) = mpsc::unbounded_channel();
    let (open, gate) = watch::channel(false);
    let peer = Peer::start(move |request| {
        order.send(request.body["messages"][0]["content"].as_str().unwrap().to_owned()).unwrap();
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            said("hi")
        }
    })
    .await;
    let (catalog, route) = one(&peer.base_url, |config| config.max_concurrent = 1);
    let mut tasks = Vec::new();
    for (waiting, text) in ["a0", "a1", "a2", "a3", "b1", "c1"].into_iter().enumerate() {
        let route = route.clone();
        tasks.push(tokio::spawn(async move { route.chat(&ask(text), by(&text[..1])).await.is_ok() }));
        until(|| (catalog.snapshots()[0].running, catalog.snapshots()[0].waiting) == (1, waiting)).await;
    }
    open.send(true).unwrap();
    let mut served = Vec::new();
    for task in tasks {
        assert!(task.await.unwrap());
        served.push(seen.recv().await.unwrap());
    }
    assert_eq!(served, ["a0", "a1", "b1", "c1", "a2", "a3"]);
}

fn timed_out(error: ModelsError) -> (Phase, &'static str) {
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let ModelsError::Timeout { phase, .. } = error else { panic!("{error:?}") };
    (phase, error.code())
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_without_end() {
    let (peer, _never) = gated().await;
    let (catalog, route) = one(&peer.base_url, |config| {
        config.timeouts.first_byte_ms = 40;
        config.timeouts.answer_ms = 30;
    });
    let error = route.chat_stream(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!(timed_out(error), (Phase::FirstByte, "upstream_timeout"));
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!(timed_out(error).0, Phase::Answer);
    assert_eq!(catalog.snapshots()[0].counts.retries, 0);
}

#[tokio::test]
async fn a_stream_may_begin_late_but_not_fall_silent() {
    let base_url = raw(|_, mut stream| async move {
        read_request(&mut stream).await;
        write(&mut stream, &format!("{STREAM_HEAD}data: {}\n\n", piece("hi"))).await;
        std::future::pending::<()>().await;
    })
    .await;
    let (_, route) = one(&base_url, |config| config.timeouts.idle_ms = 40);
    let mut chunks = route.chat_stream(&ask("hello"), by("ann")).await.unwrap().value;
    assert!(chunks.next().await.unwrap().is_ok());
    assert_eq!(timed_out(chunks.next().await.unwrap().unwrap_err()).0, Phase::Idle);
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn the_wait_for_a_place_counts_towards_the_whole() {
    let peer = Peer::start(|_| async { events(&[&piece("hi"), LAST, "[DONE]"]) }).await;
    let (catalog, route) = one(&peer.base_url, |config| {
        config.max_concurrent = 1;
        config.timeouts.total_ms = Some(500);
    });
    // A stream that is not read on holds its place.
    let held = route.chat_stream(&ask("hello"), by("ann")).await.unwrap().value;
    let error = route.chat(&ask("hello"), by("bob")).await.unwrap_err();
    assert_eq!(timed_out(error).0, Phase::Queue);
    assert_eq!((catalog.snapshots()[0].running, catalog.snapshots()[0].waiting), (1, 0));
    drop(held);
    assert_eq!(catalog.snapshots()[0].running, 0);
}
