//! The catalog at run time, and where words may go.

use domain::ErrorKind;
use models::{Catalog, CatalogOptions, Locality, ModelConfig, ModelKind, ModelsError};
use serde_json::json;

use crate::peer::{LAST, Peer, ask, by, catalog, events, json_reply, local, one, piece, said};

#[tokio::test]
async fn words_leave_only_where_an_administrator_allowed_it() {
    let peer = Peer::start(|_| async { said("hi") }).await;
    let (catalog, route) = one(&peer.base_url, |config| config.locality = Locality::External);
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, "egress_refused"));
    let snapshot = &catalog.snapshots()[0];
    assert_eq!((snapshot.reachable, snapshot.counts.bytes_sent, peer.seen().len()), (false, 0, 0));
    let mut config = catalog.config("gpu").unwrap();
    config.egress_allowed = true;
    catalog.put(config).unwrap();
    let answered = catalog.resolve("big").unwrap().chat(&ask("hello"), by("ann")).await.unwrap();
    assert_eq!(answered.by.locality, Locality::External);
    let counts = &catalog.snapshots()[0].counts;
    assert_eq!((counts.requests, counts.errors["egress_refused"]), (2, 1), "counters outlive a change");
}

#[tokio::test]
async fn offline_refuses_every_server_but_the_own_engine() {
    let peer = Peer::start(|_| async { json_reply(200, &json!({"data": []})) }).await;
    let catalog = Catalog::new(CatalogOptions { offline: true, ..CatalogOptions::default() });
    let config = local("gpu", &peer.base_url, "big");
    catalog.put(config.clone()).unwrap();
    let refused = catalog.resolve("big").unwrap().chat(&ask("hello"), by("ann")).await.unwrap_err();
    let unprobed = catalog.probe(&config).await.unwrap_err();
    assert_eq!((refused.code(), unprobed.code(), peer.seen().len()), ("egress_refused", "egress_refused", 0));
}

#[tokio::test]
async fn what_a_server_lists_fills_what_is_not_configured() {
    let peer =
        Peer::start(|_| async { json_reply(200, &json!({"data": [{"id": "org/big", "max_model_len": 4096}]})) }).await;
    let catalog = catalog();
    let config = local("gpu", &peer.base_url, "big");
    catalog.put(config.clone()).unwrap();
    assert_eq!(catalog.list()[0].context_length, None);
    catalog.unknown_lengths("gpu").unwrap().ask().await.unwrap().unwrap();
    let [entry] = catalog.list().try_into().unwrap();
    assert_eq!((&*entry.id, entry.context_length, entry.max_model_len), ("big", Some(4096), Some(4096)));
    assert_eq!(catalog.resolve("big").unwrap().context_length(), Some(4096));
    assert_eq!(entry.freehold.unwrap().locality, Locality::Local);
    assert_eq!(peer.seen()[0].path, "/v1/models");
    assert_eq!(catalog.config("gpu").unwrap(), config, "what is told is not configured");
    assert!(catalog.unknown_lengths("gpu").is_none(), "all is known");
}

#[tokio::test]
async fn what_is_configured_is_believed_more_than_what_a_server_lists() {
    let catalog = catalog();
    let mut config = local("gpu", "http://127.0.0.1:9/v1", "big");
    config.models[0].context_length = Some(1024);
    catalog.put(config.clone()).unwrap();
    assert!(catalog.unknown_lengths("gpu").is_none());
    config.models[0].context_length = None;
    catalog.put(config).unwrap();
    let unknown = catalog.unknown_lengths("gpu").unwrap();
    catalog.remove("gpu").unwrap();
    assert!(unknown.ask().await.is_none(), "nobody asks a server that was taken away");
}

fn field(result: Result<(), ModelsError>) -> String {
    match result {
        Err(ModelsError::Configuration { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_stay_unambiguous() {
    let catalog = catalog();
    let mut gpu = local("gpu", "http://gpu/v1", "big");
    gpu.models.push(ModelConfig::new("e5", ModelKind::Embedding));
    catalog.put(gpu).unwrap();
    assert_eq!(field(catalog.put(local("cpu", "http://cpu/v1", "big"))), "models");
    assert_eq!(field(catalog.set_aliases([("big".to_owned(), "e5".to_owned())].into())), "big");
    assert_eq!(field(catalog.set_fallbacks([("big".to_owned(), vec!["big".to_owned()])].into())), "big");
    assert_eq!(field(catalog.set_fallbacks([("big".to_owned(), vec!["e5".to_owned()])].into())), "big");
    catalog.set_aliases([("gpt-4o".to_owned(), "big".to_owned())].into()).unwrap();
    assert_eq!(catalog.resolve("gpt-4o").unwrap().model(), "big");
    assert!(catalog.knows("gpt-4o") && catalog.list().iter().all(|entry| entry.id != "gpt-4o"));
    let unknown = catalog.resolve("gpt-5").unwrap_err();
    assert_eq!(
        (unknown.kind(), unknown.code(), unknown.param()),
        (ErrorKind::NotFound, "model_not_found", Some("model"))
    );
    assert_eq!(catalog.remove("none").unwrap_err().code(), "upstream_not_found");
    assert_eq!(catalog.engine("gpu").unwrap_err().code(), "upstream_not_found");
}

#[tokio::test]
async fn a_request_under_way_outlives_its_upstream() {
    let peer = Peer::start(|_| async { events(&[&piece("hi"), LAST, "[DONE]"]) }).await;
    let (catalog, route) = one(&peer.base_url, |_| {});
    let mut chunks = route.chat_stream(&ask("hello"), by("ann")).await.unwrap().value;
    catalog.remove("gpu").unwrap();
    assert!(catalog.resolve("big").is_err() && catalog.list().is_empty());
    let mut count = 0;
    while let Some(chunk) = chunks.next().await {
        chunk.unwrap();
        count += 1;
    }
    assert_eq!(count, 2);
}
