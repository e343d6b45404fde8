//! Signing in by a link, writing with a CSRF token, signing out.

use axum::body::Body;
use domain::Role;
use http::{Method, Request};
use serde_json::{Value, json};
use server::ServerOptions;

use crate::house::{House, Reply};

/// A browser that is signed in.
struct Browser {
    cookie: String,
    csrf: String,
}

async fn link(house: &House, person: &str) -> String {
    house.locally(Method::POST, "/api/v1/sign_in_links", json!({"person": person})).await.expect(201).field("url")
}

async fn sign_in(house: &House, person: &str) -> Browser {
    let url = link(house, person).await;
    let reply = house.get("", &url).await.expect(200);
    let cookies: Vec<&str> = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let cookie = cookies[0].split(';').next().unwrap().to_owned();
    assert!(cookies[0].contains("HttpOnly") && cookies.iter().all(|cookie| cookie.contains("SameSite=Strict")));
    Browser { cookie, csrf: reply.field("csrf_token") }
}

async fn browse(house: &House, browser: &Browser, method: Method, path: &str, csrf: Option<&str>) -> Reply {
    let mut request = Request::builder().method(method).uri(path).header("cookie", format!("x=1; {}", browser.cookie));
    if let Some(csrf) = csrf {
        request = request.header("x-csrf-token", csrf);
    }
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_link_works_once_and_for_an_hour() {
    let house = House::open().await;
    let url = link(&house, "admin").await;
    house.get("", &url).await.expect(200);
    house.get("", &url).await.refused(403, "invalid_sign_in_link");
    let late = link(&house, "admin").await;
    house.clock.advance_seconds(3600);
    house.get("", &late).await.refused(403, "invalid_sign_in_link");
    house.get("", "/sign-in?token=guess").await.refused(403, "invalid_sign_in_link");
    house.get("", "/sign-in").await.expect(400);
}

#[tokio::test]
async fn a_signed_in_browser_reads_and_writes_only_with_its_token() {
    let house = House::open().await;
    let browser = sign_in(&house, "admin").await;
    let me = browse(&house, &browser, Method::GET, "/api/v1/me", None).await.expect(200).json();
    assert_eq!(me["name"], "admin");
    let other = sign_in(&house, "admin").await;
    for csrf in [None, Some("guess"), Some(other.csrf.as_str())] {
        let reply = browse(&house, &browser, Method::DELETE, "/api/v1/sessions/current", csrf).await;
        reply.refused(403, "csrf_token_missing");
    }
    let csrf = Some(browser.csrf.as_str());
    browse(&house, &browser, Method::DELETE, "/api/v1/sessions/current", csrf).await.expect(204);
    browse(&house, &browser, Method::GET, "/api/v1/me", None).await.refused(401, "invalid_api_key");
    browse(&house, &other, Method::GET, "/api/v1/me", None).await.expect(200);
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_with_its_person() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User]).await;
    let browser = sign_in(&house, "ada").await;
    let admin = house.admin().await;
    house.delete(&admin, &format!("/api/v1/people/{}", ada.id)).await.expect(200);
    browse(&house, &browser, Method::GET, "/api/v1/me", None).await.refused(401, "invalid_api_key");
    house.patch(&admin, "/api/v1/people/ada", json!({"active": true})).await.expect(200);
    browse(&house, &browser, Method::GET, "/api/v1/me", None).await.refused(401, "invalid_api_key");
    let again = sign_in(&house, "ada").await;
    browse(&house, &again, Method::GET, "/api/v1/me", None).await.expect(200);
    house.clock.advance_seconds(12 * 3600);
    browse(&house, &again, Method::GET, "/api/v1/me", None).await.refused(401, "invalid_api_key");
}

#[tokio::test]
async fn what_was_made_before_a_person_was_deactivated_does_not_come_back_but_their_keys() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User]).await;
    let admin = house.admin().await;
    let (before, browser) = (link(&house, "ada").await, sign_in(&house, "ada").await);
    let revoked = house.post(&admin, "/api/v1/keys", json!({"person": "ada", "name": "old"})).await.expect(201);
    house.delete(&admin, &format!("/api/v1/keys/{}", revoked.field("id"))).await.expect(200);
    house.delete(&admin, "/api/v1/people/ada").await.expect(200);
    house.get(&ada.key, "/api/v1/me").await.refused(401, "invalid_api_key");
    house.patch(&admin, "/api/v1/people/ada", json!({"active": true})).await.expect(200);
    house.get("", &before).await.refused(403, "invalid_sign_in_link");
    browse(&house, &browser, Method::GET, "/api/v1/me", None).await.refused(401, "invalid_api_key");
    house.get(&revoked.field("key"), "/api/v1/me").await.refused(401, "invalid_api_key");
    // A key is taken back by itself: with its holder it rests and comes back.
    house.get(&ada.key, "/api/v1/me").await.expect(200);
    house.get("", &link(&house, "ada").await).await.expect(200);
}

#[tokio::test]
async fn the_one_signed_in_by_somebody_else_is_told() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User]).await;
    link(&house, "ada").await;
    let notices = house.get(&ada.key, "/api/v1/notices").await.expect(200).json();
    assert_eq!(notices["data"][0]["kind"], "sign_in_link_made");
}

#[tokio::test]
async fn a_browser_gets_a_page_that_cannot_be_injected_into() {
    let house = House::with(ServerOptions { secure_cookies: true, ..ServerOptions::default() }).await;
    let admin = house.admin().await;
    let person = json!({"user_name": "eve", "display_name": "<script>alert(1)</script>"});
    house.post(&admin, "/api/v1/people", person).await.expect(201);
    let url = link(&house, "eve").await;
    let request = Request::builder().uri(url).header("accept", "text/html,*/*").body(Body::empty()).unwrap();
    let reply = house.send(request).await.expect(200);
    assert!(reply.text.contains("&lt;script&gt;") && !reply.text.contains("<script>"), "{}", reply.text);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let cookies = reply.headers.get_all("set-cookie");
    assert!(cookies.iter().all(|cookie| cookie.to_str().unwrap().contains("; Secure")));
}

#[tokio::test]
async fn a_key_has_no_session_to_end() {
    let house = House::open().await;
    let admin = house.admin().await;
    house.delete(&admin, "/api/v1/sessions/current").await.refused(404, "not_found");
    let gone = json!({"user_name": "gone", "display_name": "x", "active": false});
    house.post(&admin, "/api/v1/people", gone).await.expect(201);
    house.post(&admin, "/api/v1/sign_in_links", json!({"person": "gone"})).await.refused(409, "person_inactive");
    house.post(&admin, "/api/v1/sign_in_links", Value::Null).await.expect(400);
}
