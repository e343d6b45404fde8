//! `freehold serve`: flags become settings, settings become a running door.

use std::path::PathBuf;

use clap::Args;
use toml::Value;

use super::Globals;
use crate::config::Flag;
use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The default chat model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Make no outbound call: weights that are missing are an error
    #[arg(long)]
    offline: bool,
    /// Bring in an invented company, with people, groups and papers to ask about
    #[arg(long)]
    demo: bool,
    /// Certificate chain (PEM) for TLS at this door
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let loaded = globals.load(self.flags())?;
        crate::serve::serve(loaded, self.demo)
    }

    fn flags(&self) -> Vec<Flag> {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let texts = [
            ("server.listen", "--listen", self.listen.clone()),
            ("models.chat", "--model", self.model.clone()),
            ("server.tls_cert", "--tls-cert", self.tls_cert.as_ref().map(path)),
            ("server.tls_key", "--tls-key", self.tls_key.as_ref().map(path)),
        ];
        let given = texts.into_iter().filter_map(|(key, flag, text)| Some(Flag::text(key, flag, text?)));
        let offline = self.offline.then_some(Flag { key: "offline", flag: "--offline", value: Value::Boolean(true) });
        given.chain(offline).collect()
    }
}
