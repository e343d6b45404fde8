//! Answers: repeatable, streamed as they are whole, ended where they must end.

use serde_json::json;

use crate::harness::{Running, greedy, streamed, words};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_same_whole_streamed_and_beside_others() {
    let engine = Running::start(|_| ()).await;
    let question = greedy("What is the capital of France?", 24);
    let alone = engine.chat(question.clone()).await;
    println!("{alone}");
    assert!(words(&alone).contains("Paris"), "{alone}");
    let events = engine.stream(question.clone()).await;
    assert_eq!(streamed(&events, 0), words(&alone));
    let others = ["Tell a story.", "Count to ten.", "What is a cat?"].map(|other| engine.chat(greedy(other, 24)));
    let (beside, _) = tokio::join!(engine.chat(question), futures::future::join_all(others));
    assert_eq!(words(&beside), words(&alone));
    let stats = engine.stats().await;
    println!("{stats}");
    assert_eq!((&stats["running"], &stats["waiting"], &stats["finished"]), (&json!(0), &json!(0), &json!(6)));
    engine.stop().await.expect("a clean end");
}
