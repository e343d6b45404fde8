//! What else is kept: sign-in links, settings, upstreams, jobs, notices, acts.

use access::{Actor, Change, Person, hash_secret};
use domain::{JobId, LinkId, Principal, ServiceId};
use serde_json::{Value, json};
use store::{Job, JobState, NewAct, NewNotice, SignInLink, StoreError};
use uuid::Uuid;

use super::world::{Place, admin, now, person, person_id};

pub(crate) async fn a_sign_in_link_works_once(place: Place) {
    let store = place.open().await;
    store.commit::<StoreError>(None, |_| Ok(vec![Change::PutPerson(person(1))])).await.unwrap();
    let maker = Some(Principal::Person(admin(&store.directory()).id));
    let link = |number, made_by| SignInLink {
        id: LinkId::from_uuid(Uuid::from_u128(number)),
        person: person_id(1),
        made_by,
        created_at: now(),
        expires_at: now().plus_seconds(600),
        used_at: None,
    };
    store.add_link(&link(1, maker), &hash_secret("one")).await.unwrap();
    store.add_link(&link(2, Some(Principal::Person(person_id(1)))), &hash_secret("two")).await.unwrap();
    store.add_link(&link(3, maker), &hash_secret("three")).await.unwrap();
    let same_secret = store.add_link(&link(4, maker), &hash_secret("one")).await;
    assert!(matches!(same_secret, Err(StoreError::Conflict { .. })));
    // Twenty try at once: one gets in.
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.use_link(&hash_secret("one")).await.unwrap() })
        })
        .collect();
    let mut used = Vec::new();
    for one in tries {
        used.extend(one.await.unwrap());
    }
    assert_eq!(used, [SignInLink { used_at: Some(now()), ..link(1, maker) }]);
    assert!(!store.remove_link(link(1, maker).id).await.unwrap());
    assert!(store.remove_link(link(2, maker).id).await.unwrap());
    assert!(store.use_link(&hash_secret("two")).await.unwrap().is_none());
    place.clock.advance_seconds(600);
    assert!(store.use_link(&hash_secret("three")).await.unwrap().is_none());
    assert!(store.use_link(&hash_secret("never made")).await.unwrap().is_none());
    assert_eq!(store.links(person_id(1)).await.unwrap(), [link(3, maker), used[0].clone()]);
    // Those that another made are shown to the person they sign in.
    let notices = store.notices(person_id(1), None, 10).await.unwrap().data;
    assert_eq!(notices.len(), 2);
    assert!(notices.iter().all(|notice| notice.kind == "sign_in_link_made" && notice.actor == maker.map(Actor::from)));
}

pub(crate) async fn a_sign_in_link_ends_with_the_person_and_does_not_come_back(place: Place) {
    let store = place.open().await;
    let active = async |active| {
        let changes = vec![Change::PutPerson(Person { active, ..person(1) }), Change::PutPerson(person(2))];
        store.commit::<StoreError>(None, |_| Ok(changes)).await.unwrap();
    };
    let add = async |number: u128, holder, secret: &str| {
        let id = LinkId::from_uuid(Uuid::from_u128(number));
        let (created_at, expires_at) = (now(), now().plus_seconds(600));
        let link = SignInLink { id, person: person_id(holder), made_by: None, created_at, expires_at, used_at: None };
        store.add_link(&link, &hash_secret(secret)).await
    };
    let works = async |secret: &str| store.use_link(&hash_secret(secret)).await.unwrap().is_some();
    active(true).await;
    for (number, holder, secret) in [(1, 1, "used"), (2, 1, "unused"), (3, 2, "another's")] {
        add(number, holder, secret).await.unwrap();
    }
    assert!(works("used").await);
    active(false).await;
    assert!(matches!(add(4, 1, "made while inactive").await, Err(StoreError::Conflict { .. })));
    assert!(!works("unused").await);
    active(true).await;
    assert!(!works("unused").await && !works("made while inactive").await);
    assert!(works("another's").await);
    let left = store.links(person_id(1)).await.unwrap();
    assert_eq!(left.iter().map(|link| link.used_at).collect::<Vec<_>>(), [Some(now())]);
    add(5, 1, "new").await.unwrap();
    assert!(works("new").await);
}

pub(crate) async fn settings_have_versions_and_acts(place: Place) {
    let store = place.open().await;
    let actor = Some(Actor::from(Principal::Person(admin(&store.directory()).id)));
    let put = |name: &str, value: Value| (name.to_owned(), value);
    store
        .put_settings(actor.clone(), vec![put("aliases", json!({"gpt-4o": "assistant"})), put("k", json!(10))])
        .await
        .unwrap();
    place.clock.advance_seconds(5);
    store.put_settings(None, vec![put("k", json!(20))]).await.unwrap();
    let store = place.reopen(store).await;
    let settings = store.settings().await.unwrap();
    let who = actor.as_ref().map(|actor| actor.principal);
    let shown: Vec<_> = settings.iter().map(|one| (one.name.as_str(), one.version, &one.value, one.actor)).collect();
    assert_eq!(shown, [("aliases", 1, &json!({"gpt-4o": "assistant"}), who), ("k", 2, &json!(20), None)]);
    let k = store.setting("k").await.unwrap().unwrap();
    assert_eq!((k, settings[1].at), (settings[1].clone(), now().plus_seconds(5)));
    assert!(store.setting("none").await.unwrap().is_none());
    let acts = store.acts(None, 10).await.unwrap().data;
    let shown: Vec<_> =
        acts.iter().map(|act| (act.number, act.verb.as_str(), act.ids.as_slice(), act.actor.clone())).collect();
    let (aliases, k) = (["aliases".to_owned()], ["k".to_owned()]);
    let expected =
        [(3, "put_setting", &k[..], None), (2, "put_setting", &k, actor.clone()), (1, "put_setting", &aliases, actor)];
    assert_eq!(shown, expected);
    assert_eq!(acts[0].detail, json!({"value": 20}));
}

pub(crate) async fn upstreams_come_and_go(place: Place) {
    let store = place.open().await;
    store.put_upstream(None, "b", &json!({"url": "http://b", "key": "s3cret"})).await.unwrap();
    store.put_upstream(None, "a", &json!({"url": "http://a"})).await.unwrap();
    place.clock.advance_seconds(5);
    store.put_upstream(None, "b", &json!({"url": "http://c", "key": "s3cret"})).await.unwrap();
    let store = place.reopen(store).await;
    let upstreams = store.upstreams().await.unwrap();
    assert_eq!(upstreams.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(upstreams[1].config["url"], "http://c");
    assert_eq!((upstreams[1].created_at, upstreams[1].updated_at), (now(), now().plus_seconds(5)));
    assert!(store.remove_upstream(None, "b").await.unwrap());
    assert!(!store.remove_upstream(None, "b").await.unwrap());
    assert_eq!(store.upstreams().await.unwrap().len(), 1);
    let acts = store.acts(None, 10).await.unwrap().data;
    assert_eq!(acts.len(), 4);
    assert!(!serde_json::to_string(&acts).unwrap().contains("s3cret"));
}

pub(crate) async fn jobs_that_are_over_stay_so(place: Place) {
    let store = place.open().await;
    let job = |number, state| Job {
        id: JobId::from_uuid(Uuid::from_u128(number)),
        kind: "pull".to_owned(),
        owner: Some(Principal::Person(person_id(1))),
        state,
        stage: Some("download".to_owned()),
        progress: 0.25,
        detail: json!({"model": "m"}),
        created_at: now(),
        updated_at: now(),
    };
    for number in 1..=3 {
        assert!(store.put_job(&job(number, JobState::Queued)).await.unwrap());
    }
    assert!(store.put_job(&job(2, JobState::Running)).await.unwrap());
    let done = Job { progress: 1.0, stage: None, updated_at: now().plus_seconds(9), ..job(2, JobState::Succeeded) };
    assert!(store.put_job(&done).await.unwrap());
    // A late report of progress does not bring it back.
    assert!(!store.put_job(&job(2, JobState::Running)).await.unwrap());
    let store = place.reopen(store).await;
    assert_eq!(store.job(done.id).await.unwrap(), Some(done));
    let queued = store.jobs(Some(JobState::Queued), None, 1).await.unwrap();
    assert_eq!((queued.data, queued.has_more), (vec![job(3, JobState::Queued)], true));
    let rest = store.jobs(None, Some(job(3, JobState::Queued).id), 5).await.unwrap();
    assert_eq!(rest.data.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Succeeded, JobState::Queued]);
}

pub(crate) async fn notices_and_acts_are_paged(place: Place) {
    let store = place.open().await;
    let via = vec![ServiceId::from_uuid(Uuid::from_u128(8))];
    let actor = Some(Actor { principal: Principal::Person(person_id(7)), via });
    for number in 1..=5 {
        let (kind, subject) = ("break_glass".to_owned(), format!("doc_{number}"));
        store
            .add_notice(NewNotice { person: person_id(number % 2), kind, subject, actor: actor.clone() })
            .await
            .unwrap();
        let (verb, ids) = ("pull_model".to_owned(), vec![format!("m{number}")]);
        store.add_act(NewAct { actor: actor.clone(), verb, ids, detail: Value::Null }).await.unwrap();
    }
    let first = store.notices(person_id(1), None, 2).await.unwrap();
    let subjects = |notices: &[store::Notice]| notices.iter().map(|one| one.subject.clone()).collect::<Vec<_>>();
    assert_eq!((subjects(&first.data), first.has_more), (vec!["doc_5".to_owned(), "doc_3".to_owned()], true));
    let rest = store.notices(person_id(1), Some(first.data[1].number), 2).await.unwrap();
    assert_eq!((subjects(&rest.data), rest.has_more), (vec!["doc_1".to_owned()], false));
    let acts = store.acts(Some(3), 10).await.unwrap();
    assert!(acts.data.iter().all(|act| act.actor == actor));
    assert!(first.data.iter().all(|notice| notice.actor == actor));
    assert_eq!(acts.data.iter().map(|act| act.number).collect::<Vec<_>>(), [2, 1]);
}
