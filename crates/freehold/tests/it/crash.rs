//! What a kill leaves behind: no engine outlives its door, and an engine that dies comes back while the door stays.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::{Value, json};

use super::server::{EMBEDDING, MODEL, PATIENCE, Server, Start};

/// A process that is not our child: it can be waited for through its descriptor.
struct Watched(OwnedFd);

impl Watched {
    fn of(pid: i32) -> Self {
        Self(pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap())
    }

    fn has_ended(&self) -> bool {
        let patience = Timespec { tv_sec: PATIENCE.as_secs().try_into().unwrap(), tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&patience)).unwrap() == 1
    }
}

fn engines(server: &Server) -> Vec<(String, i32)> {
    let ready = server.logged("an engine is ready").into_iter();
    ready.map(|line| (line["model"].as_str().unwrap().to_owned(), line["pid"].as_i64().unwrap() as i32)).collect()
}

async fn ask(server: &Server) -> Value {
    let body = json!({"model": MODEL, "max_tokens": 4, "messages": [{"role": "user", "content": "Hi"}]});
    let reply = server.client().post(format!("{}/v1/chat/completions", server.url)).json(&body).send().await.unwrap();
    reply.json().await.unwrap()
}

#[test]
fn a_killed_door_takes_its_engines_with_it() {
    let mut server = Start::with_model().on_new_folder();
    let engines = engines(&server);
    let names: Vec<_> = engines.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&MODEL) && names.contains(&EMBEDDING), "{names:?}");
    let watched: Vec<_> = engines.iter().map(|(_, pid)| Watched::of(*pid)).collect();
    server.signal(Signal::KILL);
    server.ended();
    for engine in watched {
        assert!(engine.has_ended());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_comes_back_while_the_door_stays() {
    let mut server = Start::with_model().on_new_folder();
    assert!(ask(&server).await["choices"][0]["message"]["content"].is_string());
    let (_, pid) = engines(&server).into_iter().find(|(name, _)| name == MODEL).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert_eq!(server.wait_for("an engine ended")["model"], MODEL);
    assert_eq!(server.client().get(format!("{}/healthz", server.url)).send().await.unwrap().status(), 200);
    let back = server.wait_for("an engine is ready");
    assert!(back["model"] == MODEL && back["pid"] != pid);
    let answer = ask(&server).await;
    assert!(answer["choices"][0]["message"]["content"].is_string(), "{answer}");
}
