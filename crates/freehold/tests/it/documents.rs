//! Files that come in through the door are read by a child of this program, and one that cannot be read costs one answer.

use serde_json::{Value, json};

use super::server::{Start, run};

#[tokio::test]
async fn files_come_in_and_a_broken_one_costs_one_answer() {
    let server = Start::without_model().on_new_folder();
    let client = server.client();
    let made = client.post(format!("{}/api/v1/sources", server.url)).json(&json!({"name": "wiki", "kind": "push"}));
    assert_eq!(made.send().await.unwrap().status(), 201);
    let put = async |external_id: &str, media_type: &str, content_base64: &str| -> (u16, Value) {
        let body = json!({"title": external_id, "content_base64": content_base64, "media_type": media_type,
            "access": {"allow": ["everyone"]}});
        let url = format!("{}/api/v1/sources/wiki/documents/{external_id}", server.url);
        let reply = client.put(url).json(&body).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    };
    // <h1>Plan</h1><p>One <b>canary</b></p><script>no()</script>
    let page = "PGgxPlBsYW48L2gxPjxwPk9uZSA8Yj5jYW5hcnk8L2I+PC9wPjxzY3JpcHQ+bm8oKTwvc2NyaXB0Pg==";
    let (status, kept) = put("plan.html", "text/html", page).await;
    assert_eq!(status, 200, "{kept}");
    let id = kept["id"].as_str().unwrap();
    let text = async |id: &str| -> Value {
        let url = format!("{}/api/v1/documents/{id}/text", server.url);
        client.get(url).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(text(id).await["text"], "Plan\n\nOne canary");
    // %PDF-1.7 and nothing after it; no base64 at all.
    let (status, refused) = put("broken.pdf", "application/pdf", "JVBERi0xLjcK").await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("document_malformed")), "{refused}");
    assert_eq!(put("none", "text/plain", "!").await.0, 400);
    let (status, again) = put("second.md", "text/markdown", "IyBUd28KCnRleHQ=").await;
    assert_eq!(status, 200, "{again}");
    let (id, again) = (id.to_owned(), again["id"].as_str().unwrap().to_owned());
    assert_eq!(text(&again).await["text"], "Two\n\ntext");
    let why = run(&server.data, &["can", "admin", "read", &id, "--why"]);
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.starts_with("yes: list_allows: per_") && why.contains("everyone"), "{why}");
    let unknown = run(&server.data, &["can", "nobody", "read", &id]);
    assert_eq!(unknown.status.code(), Some(3));
}
