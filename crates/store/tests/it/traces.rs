//! Exchanges: recorded, read by their owner alone, counted.

use access::open as open_sealed;
use domain::Principal;
use store::TraceQuery;

use super::world::{access_of, admin, entry, key_id, now, open, trace_id};

#[tokio::test]
async fn an_exchange_is_read_back_by_its_owner_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let owner = admin(&store.directory()).id;
    let access = access_of(&store.directory(), owner);
    for number in 1..=25 {
        let mut entry = entry(number, Principal::Person(owner), "hello");
        entry.trace.caller.key = Some(key_id(1));
        store.record(entry).await.unwrap();
    }
    let mut written = entry(7, Principal::Person(owner), "hello");
    written.trace.caller.key = Some(key_id(1));
    let read = open_sealed(&access, store.trace(trace_id(7)).await.unwrap().unwrap()).unwrap().into_inner();
    assert_eq!((read.trace, read.content), (written.trace, written.content));
    let first = store.traces(&access, TraceQuery { limit: 20, ..TraceQuery::default() }).await.unwrap();
    assert_eq!((first.data.len(), first.has_more), (20, true));
    let last = open_sealed(&access, first.data.into_iter().last().unwrap()).unwrap().trace.id;
    assert_eq!(last, trace_id(6));
    let rest = store.traces(&access, TraceQuery { limit: 20, after: Some(last), ..TraceQuery::default() }).await;
    assert_eq!(rest.unwrap().data.len(), 5);
    assert_eq!(store.spent_micro_usd(key_id(1), now().month_index()).await.unwrap(), 25 * 45);
    assert!(store.record(entry(7, Principal::Person(owner), "again")).await.is_err());
}
