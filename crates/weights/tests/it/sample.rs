//! Models small enough to be made up on the spot.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use domain::Timestamp;
use sha2::{Digest, Sha256};
use weights::gguf::{GgufWriter, Header, TensorType};
use weights::pull::OnProgress;
use weights::{Installed, ModelFolder, Network, WeightsError};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A GGUF file of a made-up model, of about 300 kB.
pub(crate) fn gguf() -> Vec<u8> {
    let mut header = Header::new("llama");
    header.set("general.name", "sample");
    header.set("general.license", "mit");
    header.set("llama.context_length", 64_u32);
    header.tensor("token_embd.weight", TensorType::F32, &[1000, 75]).unwrap();
    let mut noise = 1_u32;
    let data: Vec<u8> = (0..300_000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .collect();
    let mut writer = GgufWriter::start(Vec::new(), header).unwrap();
    writer.tensor("token_embd.weight", &data).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A folder whose registry knows one model, `sample`, with these sources and this content.
pub(crate) fn folder(path: &Path, content: &[u8], sources: &[String]) -> ModelFolder {
    let sources: Vec<_> = sources.iter().map(|source| format!("{{ from = \"{source}\" }}")).collect();
    let text = format!(
        "[[model]]\nname = \"sample\"\nkind = \"chat\"\nfile = \"sample.gguf\"\nbytes = {}\nsha256 = \"{}\"\n\
         licence = \"MIT\"\ncontext_length = 64\nsources = [{}]\n",
        content.len(),
        sha256(content),
        sources.join(", "),
    );
    std::fs::write(path.join("registry.toml"), text).unwrap();
    ModelFolder::open(path).unwrap()
}

pub(crate) fn online(index_url: Option<String>) -> Network {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let hub_url = index_url.as_ref().map(|base| base.replace("/simple", "/hub"));
    Network::Online { client: weights::http_client().unwrap(), index_url, hub_url }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000)
}

pub(crate) fn quiet() -> OnProgress {
    Arc::new(|_| {})
}

pub(crate) async fn pull(folder: &ModelFolder, network: &Network) -> Result<Installed, WeightsError> {
    folder.pull("sample", network, now(), quiet()).await
}
