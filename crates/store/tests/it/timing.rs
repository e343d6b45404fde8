//! Throw-away timing.
use super::world::*;
use domain::Principal;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn timing() {
    let base = std::env::var("TIMING_DIR").unwrap_or("/tmp".into());
    let folder = tempfile::tempdir_in(base).unwrap();
    let store = open(folder.path()).await.unwrap();
    let owner = Principal::Person(admin(&store.directory()).id);
    for (concurrency, words) in [(256usize, 800usize), (256, 800), (256, 0), (64, 800), (16, 800), (1, 800), (256, 800)]
    {
        let each = if concurrency == 1 { 2000 } else { 60_000 / concurrency };
        let start = Instant::now();
        let lat = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        for _ in 0..concurrency {
            let store = store.clone();
            let lat = lat.clone();
            tasks.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..each {
                    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let mut e = entry(number as u128, owner, &"x".repeat(words));
                    if words == 0 {
                        e.content = None;
                    }
                    e.trace.caller.key = Some(key_id(u128::from(number % 5)));
                    let t = Instant::now();
                    store.record(e).await.unwrap();
                    mine.push(t.elapsed());
                }
                lat.lock().unwrap().extend(mine);
            }));
        }
        for t in tasks {
            t.await.unwrap();
        }
        let secs = start.elapsed().as_secs_f64();
        let mut lat = lat.lock().unwrap().clone();
        lat.sort();
        println!(
            "c={concurrency} words={words}: {:.0}/s  p50 {:?} p99 {:?} max {:?}",
            (each * concurrency) as f64 / secs,
            lat[lat.len() / 2],
            lat[lat.len() * 99 / 100],
            lat[lat.len() - 1]
        );
    }
    println!(
        "db {:?}",
        std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| {
                let e = e.unwrap();
                (e.file_name(), e.metadata().unwrap().len())
            })
            .collect::<Vec<_>>()
    );
}
