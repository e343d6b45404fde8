//! Limits of a key, through the whole flow and across a restart.

use domain::{ErrorKind, Limits};
use serde_json::json;

use crate::office::{Office, question};

#[tokio::test]
async fn requests_beyond_the_minute_are_refused_and_say_when_it_opens() {
    let office = Office::open().await;
    office.limited_key("tight", Limits { requests_per_minute: Some(2), ..Limits::default() }).await;
    let asker = office.asker("tight");
    for _ in 0..2 {
        office.ask(&asker, question("x")).await.unwrap();
    }
    let error = office.ask(&asker, question("x")).await.unwrap_err().error;
    assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, "rate_limit_exceeded"));
    assert_eq!(error.retry_after_seconds(), Some(60));
    office.clock.advance_seconds(60);
    office.ask(&asker, question("x")).await.unwrap();
}

#[tokio::test]
async fn tokens_are_reserved_at_their_worst_and_settled_after() {
    let office = Office::open().await;
    office.limited_key("tight", Limits { tokens_per_minute: Some(1_200), ..Limits::default() }).await;
    let asker = office.asker("tight");
    // 1,024 for the answer and at most a token for each byte of the prompt: fits once, and again after settling.
    for _ in 0..3 {
        office.ask(&asker, question("x")).await.unwrap();
    }
    let mut greedy = question("x");
    greedy["max_tokens"] = json!(1_200);
    let error = office.ask(&asker, greedy).await.unwrap_err().error;
    assert_eq!(error.code(), "rate_limit_exceeded");
}

#[tokio::test]
async fn a_budget_outlives_a_restart() {
    let office = Office::open().await;
    // One token in costs 1 and one token out 2 millionths: an answer of one word is 7.
    office.limited_key("poor", Limits { budget_micro_usd_per_month: Some(220), ..Limits::default() }).await;
    let small = || {
        let mut request = question("x");
        request["max_tokens"] = json!(1);
        request
    };
    let mut answered = 0;
    while office.ask(&office.asker("poor"), small()).await.is_ok() {
        answered += 1;
    }
    assert!(answered > 10, "{answered}");
    let office = office.reopen().await;
    let error = office.ask(&office.asker("poor"), small()).await.unwrap_err().error;
    assert_eq!(error.code(), "budget_exceeded");
    office.clock.advance_seconds(31 * 86_400);
    office.ask(&office.asker("poor"), small()).await.unwrap();
}
