//! Responses and conversations: kept, continued, and nobody else's.

use app::Responding;
use domain::{Capture, ErrorKind};
use serde_json::{Value, json};

use crate::office::{Office, body};

async fn respond(office: &Office, secret: &str, request: Value) -> Result<Value, app::Unanswered> {
    match app::respond(&office.app, &office.asker(secret), &body(&request)).await? {
        Responding::Whole(response, _) => Ok(serde_json::to_value(response).unwrap()),
        Responding::Stream(..) => panic!("a stream where a whole response was asked for"),
    }
}

#[tokio::test]
async fn a_response_goes_on_from_the_one_before_for_its_owner_alone() {
    let office = Office::open().await;
    let first = respond(&office, "ada", json!({ "model": "parrot", "input": "one" })).await.unwrap();
    assert_eq!(first["status"], "completed");
    assert_eq!(first["output"][0]["content"][0]["text"], "one");
    let next = json!({ "model": "parrot", "input": "two", "previous_response_id": first["id"] });
    let second = respond(&office, "ada", next.clone()).await.unwrap();
    let seen = office.peer.seen.lock().unwrap().last().unwrap()["messages"].clone();
    let words: Vec<_> = seen.as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(words, ["one", "one", "two"]);
    let stolen = respond(&office, "bob", next).await.unwrap_err().error;
    assert_eq!(stolen.code(), "previous_response_not_found");
    let id = second["id"].as_str().unwrap();
    let (ada, bob) = (office.asker("ada"), office.asker("bob"));
    assert_eq!(app::response(&office.app, &bob, id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(app::delete_response(&office.app, &bob, id).await.unwrap_err().kind(), ErrorKind::NotFound);
    app::delete_response(&office.app, &ada, id).await.unwrap();
    assert_eq!(app::response(&office.app, &ada, id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_events_of_a_stream_add_up_to_the_response_that_is_kept() {
    let office = Office::open().await;
    let ada = office.asker("ada");
    let request = body(&json!({ "model": "parrot", "input": "one two three", "stream": true }));
    let Responding::Stream(mut events, _) = app::respond(&office.app, &ada, &request).await.unwrap() else {
        panic!("a whole response where a stream was asked for")
    };
    let mut words = String::new();
    let mut last = Value::Null;
    let mut number = 0;
    while let Some(event) = events.next().await {
        let event = serde_json::to_value(event).unwrap();
        assert_eq!(event["sequence_number"], number);
        number += 1;
        if event["type"] == "response.output_text.delta" {
            words.push_str(event["delta"].as_str().unwrap());
        }
        last = event;
    }
    assert_eq!(words, "one two three");
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "one two three");
    let id = last["response"]["id"].as_str().unwrap();
    let kept = serde_json::to_value(app::response(&office.app, &ada, id).await.unwrap().response).unwrap();
    assert_eq!(kept, last["response"]);
}

#[tokio::test]
async fn a_mode_that_keeps_no_words_stores_no_response() {
    let office = Office::open().await;
    let asker = office.capturing("ada", Capture::None);
    let respond = |store: Value| {
        let request = body(&json!({ "model": "parrot", "input": "one", "store": store }));
        let (app, asker) = (office.app.clone(), asker.clone());
        async move { app::respond(&app, &asker, &request).await }
    };
    let refused = respond(json!(true)).await.err().unwrap().error;
    assert_eq!((refused.kind(), refused.param()), (ErrorKind::Invalid, Some("store")));
    let Ok(Responding::Whole(response, None)) = respond(Value::Null).await else { panic!("answered, untraced") };
    assert!(!response.store);
    let gone = app::response(&office.app, &office.asker("ada"), &response.id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_response_that_is_not_to_be_stored_leaves_counts_only() {
    let office = Office::open().await;
    respond(&office, "ada", json!({ "model": "parrot", "input": "one", "store": false })).await.unwrap();
    assert_eq!(office.newest_trace(&office.asker("ada")).await["capture"], "usage");
}

#[tokio::test]
async fn a_conversation_goes_on_and_is_nobody_elses() {
    let office = Office::open().await;
    let (ada, bob) = (office.asker("ada"), office.asker("bob"));
    let request = serde_json::from_value(json!({ "metadata": { "topic": "x" } })).unwrap();
    let id = app::create_conversation(&office.app, &ada, request).await.unwrap().id;
    for words in ["one", "two"] {
        let request = json!({ "model": "parrot", "input": words, "conversation": id });
        respond(&office, "ada", request.clone()).await.unwrap();
        assert_eq!(respond(&office, "bob", request).await.unwrap_err().error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(app::conversation_items(&office.app, &ada, &id).await.unwrap().len(), 4);
    assert_eq!(app::conversation_items(&office.app, &bob, &id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(app::delete_conversation(&office.app, &bob, &id).await.unwrap_err().kind(), ErrorKind::NotFound);
    app::delete_conversation(&office.app, &ada, &id).await.unwrap();
    assert_eq!(app::conversation(&office.app, &ada, &id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_conversation_that_is_deleted_while_its_answer_is_made_takes_nothing_from_the_answer() {
    let office = Office::open().await;
    let ada = office.asker("ada");
    let id = app::create_conversation(&office.app, &ada, serde_json::from_value(json!({})).unwrap()).await.unwrap().id;
    let request = json!({ "model": "parrot", "input": "one two", "conversation": id, "stream": true });
    let Responding::Stream(mut events, _) = app::respond(&office.app, &ada, &body(&request)).await.unwrap() else {
        panic!("a whole response where a stream was asked for")
    };
    events.next().await.unwrap();
    app::delete_conversation(&office.app, &ada, &id).await.unwrap();
    let mut last = Value::Null;
    while let Some(event) = events.next().await {
        last = serde_json::to_value(event).unwrap();
    }
    assert_eq!(last["type"], "response.completed", "{last}");
    assert_eq!(office.newest_trace(&ada).await["outcome"], "answered");
    app::response(&office.app, &ada, last["response"]["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(app::conversation_items(&office.app, &ada, &id).await.unwrap_err().kind(), ErrorKind::NotFound);
}
