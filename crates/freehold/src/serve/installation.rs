//! [`Installation`]: a data folder opened, with the catalog of models as settings and state describe it. A new folder
//! is set up: the person `admin` is in it.

use std::sync::Arc;

use access::hash_secret;
use app::index::Indexing;
use app::issuers::KeySets;
use app::parsers::{ParserCommand, Parsers};
use app::{App, AppOptions, Ids, ModelFolder, Stock};
use models::{Catalog, CatalogOptions, UpstreamConfig};
use store::{Faults, Store, StoreOptions};

use super::process::install_crypto;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::error::FreeholdError;

/// A data folder, opened by this process and by no other.
pub(crate) struct Installation {
    /// What the verbs need.
    pub(crate) app: Arc<App>,
}

impl Installation {
    /// Opens it.
    ///
    /// # Errors
    /// What the store says of a folder that it cannot use, or that another server has.
    pub(crate) async fn open(config: &Config) -> Result<Self, FreeholdError> {
        install_crypto();
        let clock = Arc::new(SystemClock);
        let (data_dir, database_url) = (config.data.dir.clone(), config.data.database_url.clone());
        let faults = Faults::default();
        let store = Store::open(StoreOptions { data_dir, database_url, clock: clock.clone(), faults }).await?;
        let ids = Ids::random();
        let models = catalog(config, &store, &ids).await?;
        // Keys of issuers come from the address that was written down, and from nowhere that it points to.
        let direct = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().ok();
        let client = if config.offline { None } else { direct() };
        let options = AppOptions { store, models, clock, ids, key_sets: KeySets::new(client) };
        let app = App::open(options).await?.with_stock(stock(config)).with_parsers(parsers());
        let index = Indexing::open(&app, config.data.dir.join("index"), config.models.embedding.clone()).await?;
        let app = app.with_index(index).with_chat_model(config.models.chat.clone());
        Ok(Self { app: Arc::new(app) })
    }

    /// Waits until the records of ended requests are durable, and closes the state.
    pub(crate) async fn close(self) {
        self.app.finish().await;
        self.app.store.close().await;
    }
}

/// This same program reads files, as a child. One that cannot be found says so with the first file.
fn parsers() -> Parsers {
    let program = std::env::current_exe().unwrap_or_else(|_| "freehold".into());
    Parsers::new(ParserCommand { program, arguments: vec!["parse".into()] })
}

/// The models of this machine. A folder that cannot be used must not keep the door shut: what needs it says so.
fn stock(config: &Config) -> Option<Stock> {
    let defaults = vec![config.models.chat.clone(), config.models.embedding.clone()];
    let opened = ModelFolder::open(&config.models.dir).map_err(FreeholdError::from);
    let stock = opened.and_then(|folder| Ok(Stock::new(folder, crate::pull::network(config)?, defaults)));
    stock
        .inspect_err(|error| tracing::error!(%error, "the models folder cannot be used: correct it and start again"))
        .ok()
}

/// The upstreams of the settings file and of the state. One that cannot be used now must not keep the door shut.
async fn catalog(config: &Config, store: &Store, ids: &Ids) -> Result<Catalog, FreeholdError> {
    let hash_key = store.hash_key(ids.secret()).await?;
    let salt_key = *hash_secret(&format!("salt of caches {hash_key:02x?}")).as_bytes();
    let catalog = Catalog::new(CatalogOptions { offline: config.offline, salt_key });
    for upstream in &config.upstreams {
        catalog.put(upstream.clone())?;
    }
    for stored in store.upstreams().await? {
        let put = serde_json::from_value::<UpstreamConfig>(stored.config).map_err(|error| error.to_string());
        if let Err(error) = put.and_then(|upstream| catalog.put(upstream).map_err(|error| error.to_string())) {
            tracing::error!(upstream = stored.name, %error, "an upstream of the state cannot be used: correct or remove it");
        }
    }
    Ok(catalog)
}
