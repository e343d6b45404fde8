//! Conversations and stored responses: kept in order, deleted by their owner, never opened by others.

use access::{Access, AccessError, Change, Fingerprint, FingerprintKey, Remembered, ShownText, open as open_sealed};
use domain::{ConversationId, DocumentId, ErasureId, Principal, Provenance, ResponseId, Source};
use serde_json::{Value, json};
use store::{Conversation, ConversationItem, Erasee, Store, StoreError, StoredResponse};
use uuid::Uuid;

use super::world::{Place, access_of, admin, keep, now, person, person_id, trace_id};

async fn two_people(store: &Store) -> (Principal, Access, Access) {
    store.commit::<StoreError>(None, |_| Ok(vec![Change::PutPerson(person(1))])).await.unwrap();
    let directory = store.directory();
    let owner = admin(&directory).id;
    (Principal::Person(owner), access_of(&directory, owner), access_of(&directory, person_id(1)))
}

fn item(number: usize, author: Principal) -> ConversationItem {
    ConversationItem {
        id: format!("msg_{number}"),
        provenance: Provenance::words_of(author),
        content: json!({"type": "message", "role": "user", "content": format!("turn {number}")}),
        created_at: now(),
    }
}

async fn ids(store: &Store, access: &Access, id: ConversationId) -> Vec<String> {
    let items = store.items(id).await.unwrap();
    items.into_iter().map(|sealed| open_sealed(access, sealed).unwrap().id.clone()).collect()
}

pub(crate) async fn items_keep_their_order_and_their_owner(place: Place) {
    let store = place.open().await;
    let (owner, access, other) = two_people(&store).await;
    let id = ConversationId::from_uuid(Uuid::from_u128(1));
    let conversation = Conversation { id, owner, metadata: json!({"topic": "a"}), created_at: now() };
    store.add_conversation(&conversation, vec![item(1, owner), item(2, owner)]).await.unwrap();
    assert!(store.add_conversation(&conversation, Vec::new()).await.is_err());
    // Item ids are not in the order of their text: 10 comes after 9 all the same.
    for number in 3..=10 {
        assert!(store.add_items(&access, id, vec![item(number, owner)]).await.unwrap());
    }
    let again = store.add_items(&access, id, vec![item(11, owner), item(3, owner)]).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    let named: Vec<String> = (1..=10).map(|number| format!("msg_{number}")).collect();
    assert_eq!(ids(&store, &access, id).await, named);
    assert!(!store.add_items(&other, id, vec![item(12, owner)]).await.unwrap());
    assert!(!store.delete_item(&other, id, "msg_1").await.unwrap());
    assert!(!store.delete_conversation(&other, id).await.unwrap());
    assert!(!store.set_conversation_metadata(&other, id, &Value::Null).await.unwrap());
    let sealed = store.item(id, "msg_1").await.unwrap().unwrap();
    assert_eq!(open_sealed(&other, sealed).err(), Some(AccessError::NotFound));
    assert!(store.delete_item(&access, id, "msg_1").await.unwrap());
    assert!(store.item(id, "msg_1").await.unwrap().is_none());
    assert!(store.set_conversation_metadata(&access, id, &json!({"topic": "b"})).await.unwrap());
    let sealed = store.conversation(id).await.unwrap().unwrap();
    assert_eq!(open_sealed(&access, sealed).unwrap().metadata, json!({"topic": "b"}));
    assert!(store.delete_conversation(&access, id).await.unwrap());
    assert!(store.conversation(id).await.unwrap().is_none());
    assert!(ids(&store, &access, id).await.is_empty());
}

pub(crate) async fn what_people_were_shown_is_kept_within_its_count_and_goes_with_them(place: Place) {
    let store = place.open().await;
    store.commit::<StoreError>(None, |_| Ok(vec![Change::PutPerson(person(1))])).await.unwrap();
    let somebody = Principal::Person(person_id(1));
    let key = FingerprintKey::new([1; 32]);
    let text = |number: u128| {
        let words = format!("{} what was shown, and it is long enough to be known again {number}", "of it ".repeat(9));
        let document = DocumentId::from_uuid(Uuid::from_u128(number));
        let mut provenance = Provenance::words_of(somebody);
        provenance.add(Source::Document { document, version: 1 });
        ShownText { provenance, fingerprint: Fingerprint::of(&key, &words) }
    };
    let texts: Vec<ShownText> = (1..=200).map(text).collect();
    let most = texts[0].weight() * 21 / 2;
    let new = |range: std::ops::Range<usize>| texts[range].iter().cloned().map(Remembered::New).collect::<Vec<_>>();
    store.add_shown(somebody, &new(0..2), most).await.unwrap();
    assert_eq!(store.shown_to(somebody).await.unwrap(), texts[..2]);
    store.add_shown(somebody, &[Remembered::Moved(texts[0].clone())], most).await.unwrap();
    assert_eq!(store.shown_to(somebody).await.unwrap(), [texts[1].clone(), texts[0].clone()]);
    for at in (2..200).step_by(3) {
        store.add_shown(somebody, &new(at..at + 3), most).await.unwrap();
    }
    let kept = store.shown_to(somebody).await.unwrap();
    assert!(kept.len() < 10 + 64 && texts.ends_with(&kept), "the newest that fit, and a few more: {}", kept.len());
    assert!(kept.len() >= 9, "{}", kept.len());
    let other = Principal::Person(admin(&store.directory()).id);
    assert!(store.shown_to(other).await.unwrap().is_empty());
    store.erase(ErasureId::from_uuid(Uuid::from_u128(9)), Erasee::Principal(somebody), None).await.unwrap();
    store.add_shown(somebody, &new(0..1), most).await.unwrap();
    assert!(store.shown_to(somebody).await.unwrap().is_empty(), "nothing is kept of who was erased");
}

pub(crate) async fn responses_expire_and_are_their_owners(place: Place) {
    let store = place.open().await;
    let (owner, access, other) = two_people(&store).await;
    let id = |number| ResponseId::from_uuid(Uuid::from_u128(number));
    let kept = StoredResponse {
        id: id(1),
        owner,
        previous: None,
        trace: Some(trace_id(1)),
        provenance: Provenance::words_of(owner),
        body: json!({"output": [{"type": "message"}]}),
        created_at: now(),
        expires_at: None,
    };
    let expiring =
        StoredResponse { id: id(2), previous: Some(id(1)), expires_at: Some(now().plus_seconds(60)), ..kept.clone() };
    let mut of_both = StoredResponse { id: id(3), ..kept.clone() };
    of_both.provenance.add(Source::Words { author: Principal::Person(person_id(1)) });
    for response in [&kept, &expiring, &of_both] {
        keep(&store, response).await.unwrap();
    }
    for response in [&kept, &expiring] {
        let sealed = store.response(response.id).await.unwrap().unwrap();
        assert_eq!(&*open_sealed(&access, sealed).unwrap(), response);
        let sealed = store.response(response.id).await.unwrap().unwrap();
        assert!(open_sealed(&other, sealed).is_err());
    }
    assert!(open_sealed(&access, store.response(id(3)).await.unwrap().unwrap()).is_err());
    place.clock.advance_seconds(60);
    assert!(store.response(id(2)).await.unwrap().is_none());
    assert!(!store.delete_response(&other, id(1)).await.unwrap());
    assert!(store.delete_response(&access, id(1)).await.unwrap());
    assert!(!store.delete_response(&access, id(1)).await.unwrap());
    assert!(store.response(id(1)).await.unwrap().is_none());
}
