//! Measuring aid, not committed.
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let get = |name: &str| args.iter().position(|a| a == name).map(|i| args[i + 1].clone());
    let mut o = engine::EngineOptions::new(get("--model").unwrap().into(), get("--socket").unwrap().into());
    o.slots = get("--slots").map(|s| s.parse().unwrap());
    o.threads = get("--threads").map(|s| s.parse().unwrap());
    o.context = get("--context").map(|s| s.parse().unwrap());
    o.embeddings = args.iter().any(|a| a == "--embeddings");
    if let Err(e) = engine::run(o) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}
