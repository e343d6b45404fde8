//! The demo company as `serve --demo` brings it in: every paper is read with its list, and whoever asks about one may read
//! it, or may not, as the questions say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};

use super::server::{Server, Start};

const SOURCES: usize = 9;
const PAPERS: usize = 248;

struct Demo {
    server: Server,
    admin: Client,
}

impl Demo {
    async fn get(&self, path: &str) -> Value {
        let sent = self.admin.get(format!("{}/api/v1/{path}", self.server.url));
        sent.send().await.unwrap().json().await.unwrap()
    }

    async fn key(&self, person: &str) -> String {
        let body = json!({"person": person, "name": "demo"});
        let sent = self.admin.post(format!("{}/api/v1/keys", self.server.url)).json(&body);
        sent.send().await.unwrap().json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned()
    }

    /// The names of the sources, once each was read to its end without a flaw.
    async fn sources(&self) -> Vec<String> {
        // The company comes in behind the open door.
        let names = loop {
            let listed = self.get("sources").await["data"].as_array().unwrap().clone();
            let names: Vec<_> = listed.iter().map(|source| source["name"].as_str().unwrap().to_owned()).collect();
            if names.len() == SOURCES {
                break names;
            }
            tokio::task::yield_now().await;
        };
        for name in &names {
            let sync = loop {
                let sync = self.get(&format!("sources/{name}")).await["sync"].clone();
                if sync["stage"] == "done" {
                    break sync;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(sync["flaws"], json!([]), "{name}: {sync}");
        }
        names
    }

    /// The ids of all papers, by source and path.
    async fn papers(&self) -> BTreeMap<String, String> {
        let mut papers = BTreeMap::new();
        for source in self.sources().await {
            let listed = self.get(&format!("sources/{source}/documents?limit=1000")).await;
            for paper in listed["data"].as_array().unwrap() {
                let (path, id) = (paper["external_id"].as_str().unwrap(), paper["id"].as_str().unwrap());
                papers.insert(format!("{source}/{path}"), id.to_owned());
            }
        }
        papers
    }

    async fn may_read(&self, key: &str, paper: &str) -> bool {
        let sent = self.admin.get(format!("{}/api/v1/documents/{paper}", self.server.url));
        sent.header("authorization", format!("Bearer {key}")).send().await.unwrap().status() == 200
    }
}

fn questions() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/company");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let questions = files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("questions-"));
    let lines: Vec<String> = questions.map(|file| fs::read_to_string(file).unwrap()).collect();
    lines.iter().flat_map(|lines| lines.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_demo_company_comes_in_whole_and_its_questions_are_of_whom_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::without_model().arguments(&["--demo"]).on(&folder.path().join("data"));
    let demo = Demo { admin: server.client(), server };
    let papers = demo.papers().await;
    assert_eq!(papers.len(), PAPERS);
    let people = demo.get("people?limit=1000").await["data"].as_array().unwrap().len();
    assert_eq!(people, 26, "twenty-five, and the administrator");
    let (questions, mut keys) = (questions(), BTreeMap::new());
    for asker in questions.iter().map(|question| question["asker"].as_str().unwrap()).collect::<BTreeSet<_>>() {
        keys.insert(asker, demo.key(asker).await);
    }
    let answerable = questions.iter().filter(|question| question["answerable"] == true).count();
    assert_eq!((questions.len(), answerable), (120, 60));
    for question in &questions {
        let paths: Vec<&str> = question["documents"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(!paths.is_empty(), "{question}");
        for path in paths {
            let id = papers.get(path).unwrap_or_else(|| panic!("there is no {path}: {question}"));
            let may_read = demo.may_read(&keys[question["asker"].as_str().unwrap()], id).await;
            assert_eq!(json!(may_read), question["answerable"], "{path}: {question}");
        }
    }
}
