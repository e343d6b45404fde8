//! The models of this machine: listed, pulled by a background job, cancelled, removed. Sources are files and a server
//! that never answers.

use std::net::TcpListener;
use std::path::Path;

use app::issuers::KeySets;
use app::{App, AppOptions, Catalog, CatalogOptions, Ids, ModelFolder, Network, Stock};
use domain::Role;
use serde_json::{Value, json};
use server::ServerOptions;

use crate::house::{House, Reply};

/// The smallest GGUF file there is: no keys, no tensors.
const GGUF: &[u8] = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const SHA256: &str = "a3718c7940c34ff91a906d0758debb656aed43d1aa8b23b99f67cb106cdbc881";

/// A house whose folder can pull `sample` from a file, `broken` from another file than promised, and `slow` from a
/// server that takes connections and never answers.
struct Shop {
    house: House,
    admin: String,
    folder: ModelFolder,
    _disk: tempfile::TempDir,
    _server: TcpListener,
}

fn entry(name: &str, source: &str) -> String {
    format!(
        "[[model]]\nname = \"{name}\"\nkind = \"chat\"\nfile = \"{name}.gguf\"\nbytes = {}\nsha256 = \"{SHA256}\"\n\
         licence = \"MIT\"\ncontext_length = 64\nsources = [{{ from = \"{source}\" }}]\n",
        GGUF.len()
    )
}

fn write_registry(disk: &Path, server: &TcpListener) {
    let (good, wrong) = (disk.join("origin.gguf"), disk.join("wrong.gguf"));
    std::fs::write(&good, GGUF).unwrap();
    std::fs::write(&wrong, GGUF.iter().rev().copied().collect::<Vec<_>>()).unwrap();
    let entries = [
        entry("sample", &format!("file:{}", good.display())),
        entry("broken", &format!("file:{}", wrong.display())),
        entry("slow", &format!("http://{}/slow.gguf", server.local_addr().unwrap())),
    ];
    std::fs::write(disk.join("registry.toml"), entries.join("\n")).unwrap();
}

impl Shop {
    async fn open(online: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (disk, server) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        write_registry(disk.path(), &server);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let network =
            if online { Network::Online { client, index_url: None, hub_url: None } } else { Network::Offline };
        let folder = ModelFolder::open(disk.path()).unwrap();
        let stock = Stock::new(folder.clone(), network, vec!["sample".to_owned()]);
        let house = House::stocked(ServerOptions::default(), Some(stock)).await;
        let admin = house.admin().await;
        Self { house, admin, folder, _disk: disk, _server: server }
    }

    async fn get(&self, path: &str) -> Reply {
        self.house.get(&self.admin, path).await
    }

    async fn post(&self, path: &str) -> Reply {
        self.house.post(&self.admin, path, Value::Null).await
    }

    async fn model(&self, name: &str) -> Value {
        self.get(&format!("/api/v1/models/{name}")).await.expect(200).json()
    }

    /// Begins to pull; the id of the job.
    async fn pull(&self, name: &str) -> String {
        self.post(&format!("/api/v1/models/{name}/pull")).await.expect(202).field("id")
    }

    /// What its events say until it is over.
    async fn events(&self, job: &str) -> Vec<Value> {
        let reply = self.get(&format!("/api/v1/jobs/{job}/events")).await.expect(200);
        assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let lines = reply.text.lines().filter_map(|line| line.strip_prefix("data: "));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The job once it is over.
    async fn ended(&self, job: &str) -> Value {
        let last = self.events(job).await.pop().unwrap();
        let kept = self.get(&format!("/api/v1/jobs/{job}")).await.expect(200).json();
        assert_eq!(kept, last, "the state says what the last event said");
        last
    }
}

#[tokio::test]
async fn a_model_is_listed_pulled_shown_and_removed() {
    let shop = Shop::open(false).await;
    let before = shop.model("sample").await;
    assert_eq!(
        json!([before["state"], before["default"], before["loaded"], before["licence"], before["size_bytes"]]),
        json!(["available", true, false, "MIT", 32])
    );
    let id = shop.pull("sample").await;
    assert!(id.starts_with("job_"));
    let job = shop.ended(&id).await;
    assert_eq!(
        json!([job["kind"], job["state"], job["progress"], job["stage"], job["model"]]),
        json!(["pull", "succeeded", 1.0, null, "sample"])
    );
    let after = shop.model("sample").await;
    assert_eq!(json!([after["state"], after["sha256"], after["job"]]), json!(["installed", SHA256, null]));
    let names = |reply: Reply| -> Vec<String> {
        reply.json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = names(shop.get("/api/v1/models").await.expect(200));
    assert!(all.is_sorted() && all.contains(&"sample".to_owned()), "{all:?}");
    let page = names(shop.get(&format!("/api/v1/models?limit=1&after={}", all[0])).await.expect(200));
    assert_eq!(page, all[1..2]);

    shop.house.delete(&shop.admin, "/api/v1/models/sample").await.expect(204);
    assert_eq!(shop.model("sample").await["state"], "available");
    shop.house.delete(&shop.admin, "/api/v1/models/sample").await.refused(409, "not_installed");
    let acts = shop.get("/api/v1/audit").await.expect(200).json();
    let verbs: Vec<_> = acts["data"].as_array().unwrap().iter().map(|act| act["verb"].as_str().unwrap()).collect();
    assert_eq!(verbs[..2], ["remove_model", "pull_model"]);
}

#[tokio::test]
async fn what_is_pulled_already_succeeds_at_once() {
    let shop = Shop::open(false).await;
    for _ in 0..2 {
        let job = shop.pull("sample").await;
        assert_eq!(shop.ended(&job).await["state"], "succeeded");
    }
    let jobs = shop.get("/api/v1/jobs?state=succeeded").await.expect(200).json();
    assert_eq!(jobs["data"].as_array().unwrap().len(), 2);
    shop.get("/api/v1/jobs?state=done").await.refused(400, "invalid_value");
}

#[tokio::test]
async fn a_pull_runs_once_at_a_time_and_can_be_cancelled() {
    let shop = Shop::open(true).await;
    let job = shop.pull("slow").await;
    assert_eq!(shop.pull("slow").await, job, "the running job again");
    let model = shop.model("slow").await;
    assert_eq!(json!([model["state"], model["job"]]), json!(["pulling", job]));
    shop.house.delete(&shop.admin, "/api/v1/models/slow").await.refused(409, "model_busy");
    let path = format!("/api/v1/jobs/{job}/cancel");
    let (cancelled, events) = tokio::join!(shop.post(&path), shop.events(&job));
    assert_eq!(cancelled.expect(200).json()["state"], "cancelled");
    assert_eq!(events.last().unwrap()["state"], "cancelled");
    assert_eq!(shop.model("slow").await["state"], "available");
    assert_eq!(shop.post(&path).await.expect(200).json()["state"], "cancelled", "again changes nothing");
}

#[tokio::test]
async fn what_is_over_cannot_be_cancelled() {
    let shop = Shop::open(false).await;
    let job = shop.pull("sample").await;
    shop.ended(&job).await;
    shop.post(&format!("/api/v1/jobs/{job}/cancel")).await.refused(409, "job_over");
    assert_eq!(shop.model("sample").await["state"], "installed");
}

#[tokio::test]
async fn a_failed_pull_says_why() {
    let shop = Shop::open(false).await;
    for (model, code) in [("slow", "offline"), ("broken", "checksum_mismatch")] {
        let job = shop.pull(model).await;
        let job = shop.ended(&job).await;
        assert_eq!(json!([job["state"], job["error"]["code"]]), json!(["failed", code]), "{job}");
        assert_eq!(shop.model(model).await["state"], "available");
    }
}

#[tokio::test]
async fn a_model_in_use_is_not_removed() {
    let shop = Shop::open(false).await;
    let job = shop.pull("sample").await;
    shop.ended(&job).await;
    let held = shop.folder.hold("sample").unwrap();
    shop.house.delete(&shop.admin, "/api/v1/models/sample").await.refused(409, "model_in_use");
    assert_eq!(shop.model("sample").await["state"], "installed");
    drop(held);
    shop.house.delete(&shop.admin, "/api/v1/models/sample").await.expect(204);
}

#[tokio::test]
async fn an_unknown_model_and_an_unknown_job_are_not_found() {
    let shop = Shop::open(false).await;
    for name in ["nobody", "No-Model", "%2E%2E"] {
        let path = format!("/api/v1/models/{name}");
        shop.get(&path).await.refused(404, "model_not_found");
        shop.post(&format!("{path}/pull")).await.refused(404, "model_not_found");
        shop.house.delete(&shop.admin, &path).await.refused(404, "model_not_found");
    }
    for job in ["sample", "job_00000000000070008000000000000000"] {
        shop.get(&format!("/api/v1/jobs/{job}")).await.refused(404, "not_found");
        shop.get(&format!("/api/v1/jobs/{job}/events")).await.refused(404, "not_found");
        shop.post(&format!("/api/v1/jobs/{job}/cancel")).await.refused(404, "not_found");
    }
    let jobs = shop.get("/api/v1/jobs").await.expect(200).json();
    assert_eq!(jobs["data"], json!([]), "what is refused makes no job");
}

#[tokio::test]
async fn users_see_models_but_no_paths_and_guests_see_none() {
    let shop = Shop::open(false).await;
    let job = shop.pull("sample").await;
    shop.ended(&job).await;
    let user = shop.house.person("user", &[Role::User]).await;
    let model = shop.house.get(&user.key, "/api/v1/models/sample").await.expect(200).json();
    assert_eq!(json!([model["state"], model["source"]]), json!(["installed", null]));
    assert!(shop.model("sample").await["source"].as_str().unwrap().starts_with("file:"));
    shop.house.post(&user.key, "/api/v1/models/sample/pull", Value::Null).await.refused(403, "role_missing");
    let guest = json!({"user_name": "guest", "display_name": "guest", "external": true, "roles": ["user"]});
    let guest = shop.house.post(&shop.admin, "/api/v1/people", guest).await.expect(201).field("id");
    let key = shop.house.key(json!({"person": guest, "name": "test"})).await;
    assert_eq!(shop.house.get(&key, "/api/v1/models").await.expect(200).json()["data"], json!([]));
    shop.house.get(&key, "/api/v1/models/sample").await.refused(404, "model_not_found");
}

#[tokio::test]
async fn a_stopping_server_ends_its_jobs_and_begins_no_more() {
    let shop = Shop::open(true).await;
    let job = shop.pull("slow").await;
    shop.house.app.finish().await;
    let job = shop.ended(&job).await;
    assert_eq!(json!([job["state"], job["error"]["code"]]), json!(["failed", "interrupted"]));
    shop.post("/api/v1/models/sample/pull").await.refused(503, "shutting_down");
}

#[tokio::test]
async fn what_a_server_that_is_gone_left_running_has_failed() {
    let shop = Shop::open(true).await;
    let job = shop.pull("slow").await;
    // The state is opened anew while the first server never said how its job ended, as after a crash.
    let (store, clock) = (shop.house.app.store.clone(), shop.house.clock.clone());
    let models = Catalog::new(CatalogOptions::default());
    let key_sets = KeySets::new(reqwest::Client::new());
    App::open(AppOptions { store, models, clock, ids: Ids::random(), key_sets }).await.unwrap();
    let kept = shop.get(&format!("/api/v1/jobs/{job}")).await.expect(200).json();
    assert_eq!(json!([kept["state"], kept["error"]["code"]]), json!(["failed", "interrupted"]));
    shop.post(&format!("/api/v1/jobs/{job}/cancel")).await.refused(409, "job_over");
}
