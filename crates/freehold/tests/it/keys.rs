//! Keys and people from the command line, with and without a running server.

use expect_test::expect;

use super::server::{Start, complaint, in_folder, json, run};

#[test]
fn a_key_made_on_an_empty_folder_opens_the_door_of_the_server_started_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = json(folder.path(), &["keys", "create", "--person", "admin"]);
    let fields: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(fields.contains(&"id") && fields.contains(&"key"), "{fields:?}");
    assert!(made["key"].as_str().unwrap().starts_with("fh_") && made["id"].as_str().unwrap().starts_with("key_"));
    let server = Start::without_model().on(folder.path());
    assert_eq!(status(&server.url, made["key"].as_str().unwrap()), 200);
    assert_eq!(status(&server.url, "fh_wrong"), 401);
}

#[test]
fn a_key_made_while_the_server_runs_works_at_once_and_no_longer_once_revoked() {
    let server = Start::without_model().on_new_folder();
    let made = json(&server.data, &["keys", "create", "--person", "admin", "--scope", "security"]);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!(status(&server.url, key), 200);
    assert!(server.run(&["keys", "revoke", id]).status.success());
    assert_eq!(status(&server.url, key), 401);
}

#[test]
fn people_groups_and_services_are_kept_and_names_that_are_taken_are_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let ada =
        json(data, &["people", "add", "ada", "--display-name", "Ada Byron", "--role", "user", "--role", "builder"]);
    assert_eq!(ada["display_name"], "Ada Byron");
    assert_eq!(run(data, &["people", "add", "ada"]).status.code(), Some(5));
    json(data, &["groups", "add", "legal"]);
    json(data, &["groups", "add-member", "legal", "ada"]);
    json(data, &["services", "add", "helpdesk", "--act-for", "legal"]);
    let key =
        json(data, &["keys", "create", "--service", "helpdesk", "--scope", "act_for", "--requests-per-minute", "5"]);
    assert!(key["key"].is_string());
    let people = json(data, &["people", "list"]);
    let names: Vec<_> =
        people["data"].as_array().unwrap().iter().map(|person| person["user_name"].as_str().unwrap()).collect();
    assert!(names.contains(&"ada") && names.contains(&"admin"), "{names:?}");
    assert!(run(data, &["people", "remove", "ada"]).status.success());
    assert_eq!(json(data, &["people", "show", "ada"])["active"], false);
}

#[test]
fn what_is_not_there_ends_with_3_and_a_folder_that_was_never_set_up_with_4() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["people", "list"]);
    assert_eq!(output.status.code(), Some(4), "{}", complaint(&output, folder.path()));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "a look leaves nothing behind");
    json(folder.path(), &["keys", "create", "--person", "admin"]);
    let output = run(folder.path(), &["people", "show", "nobody"]);
    assert_eq!(output.status.code(), Some(3));
    expect![[r#"
        × not found
        help: check the name or id: `freehold people list`, `groups list`, `services list`, `keys list` and `traces list` show what there is
    "#]]
    .assert_eq(&complaint(&output, folder.path()));
    assert_eq!(run(folder.path(), &["keys", "create", "--person", "nobody"]).status.code(), Some(3));
}

#[test]
fn a_file_to_import_that_is_not_there_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["models", "import", &in_folder(folder.path(), "my.gguf"), "--name", "mine"]);
    expect![[r#"
        × opening DIR/my.gguf failed: No such file or directory (os error 2)
        help: check that DIR/my.gguf exists
    "#]]
    .assert_eq(&complaint(&output, folder.path()));
    assert_eq!(output.status.code(), Some(3));
}

/// The status of a request that any holder of a good key may make.
fn status(url: &str, key: &str) -> u16 {
    let request = reqwest::Client::builder();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = request.no_proxy().build().unwrap();
        client.get(format!("{url}/v1/models")).bearer_auth(key).send().await.unwrap().status().as_u16()
    })
}
