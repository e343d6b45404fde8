//! [`Catalog`]: which models there are and who answers for them. It changes at run time; a request keeps the route
//! that it began with. Nothing changes in silence: other models answer only along a list an administrator wrote.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;
use wire::model::{ModelAdditions, ModelEntry};

use crate::config::{ModelKind, UpstreamConfig};
use crate::counters::{Counters, UpstreamSnapshot};
use crate::error::ModelsError;
use crate::route::{Candidate, Route};
use crate::upstream::{Engine, Rules, Upstream, UpstreamState};

/// What holds for all upstreams.
#[derive(Debug, Clone, Copy, Default)]
pub struct CatalogOptions {
    /// Refuses every upstream but the embedded engines.
    pub offline: bool,
    /// The key of the salts that keep callers' caches apart; the same in every process of an installation.
    pub salt_key: [u8; 32],
}

/// Which models there are. Clones share one state.
#[derive(Debug, Clone)]
pub struct Catalog {
    shelf: Arc<ArcSwap<Shelf>>,
    /// One change at a time.
    changing: Arc<Mutex<()>>,
    rules: Rules,
}

/// The context lengths that a server may tell, as long as it stays in its place.
#[derive(Debug)]
pub struct UnknownLengths(Weak<Upstream>);

impl UnknownLengths {
    /// Asks the server; what it lists is shown from then on. `None` where it was replaced or removed meanwhile.
    ///
    /// # Errors
    /// Those of [`Catalog::probe`].
    pub async fn ask(&self) -> Option<Result<(), ModelsError>> {
        Some(self.0.upgrade()?.learn_lengths().await)
    }
}

/// The catalog at one moment.
#[derive(Debug, Clone, Default)]
struct Shelf {
    upstreams: BTreeMap<String, Arc<Upstream>>,
    aliases: BTreeMap<String, String>,
    fallbacks: BTreeMap<String, Vec<String>>,
    /// INVARIANT: made from the three above, under every name that resolves.
    routes: HashMap<String, Route>,
}

impl Catalog {
    /// An empty catalog.
    #[must_use]
    pub fn new(options: CatalogOptions) -> Self {
        let rules = Rules { offline: options.offline, salt_key: options.salt_key };
        Self { shelf: Arc::default(), changing: Arc::default(), rules }
    }

    /// The route to a model, by its name or an alias.
    ///
    /// # Errors
    /// [`ModelsError::UnknownModel`].
    pub fn resolve(&self, name: &str) -> Result<Route, ModelsError> {
        let unknown = || ModelsError::UnknownModel { name: name.chars().take(256).collect() };
        self.shelf.load().routes.get(name).cloned().ok_or_else(unknown)
    }

    /// The models, by name. Aliases are not listed: a client that insists on one knows it.
    #[must_use]
    pub fn list(&self) -> Vec<ModelEntry> {
        let shelf = self.shelf.load();
        let mut models: Vec<_> = shelf.upstreams.values().flat_map(|upstream| entries(upstream)).collect();
        models.sort_by(|a, b| a.id.cmp(&b.id));
        models
    }

    /// Whether a model or alias has this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.shelf.load().routes.contains_key(name)
    }

    /// Puts an upstream in place, or a new configuration in that of the old; requests under way end with the old one.
    /// Its counters go on. An embedded engine counts as loading until [`Catalog::set_state`] says otherwise.
    ///
    /// # Errors
    /// [`ModelsError::Configuration`]; nothing has changed then.
    pub fn put(&self, config: UpstreamConfig) -> Result<(), ModelsError> {
        self.change(|shelf| {
            shelf.check_names(&config)?;
            let counters = shelf.upstreams.get(&config.name).map(|old| old.counters().clone());
            let upstream =
                Upstream::new(config, counters.unwrap_or_else(|| Arc::new(Counters::default())), self.rules)?;
            shelf.upstreams.insert(upstream.name().to_owned(), Arc::new(upstream));
            Ok(())
        })
    }

    /// Takes an upstream away, with its models; requests under way end undisturbed.
    ///
    /// # Errors
    /// [`ModelsError::UnknownUpstream`].
    pub fn remove(&self, name: &str) -> Result<(), ModelsError> {
        self.change(|shelf| match shelf.upstreams.remove(name) {
            Some(_) => Ok(()),
            None => Err(ModelsError::UnknownUpstream { name: name.to_owned() }),
        })
    }

    /// Names that clients insist on, each for a model. A name of a model is not shadowed; one that leads nowhere
    /// today is kept, since its model may come.
    ///
    /// # Errors
    /// [`ModelsError::Configuration`] where an alias is itself the name of a model.
    pub fn set_aliases(&self, aliases: BTreeMap<String, String>) -> Result<(), ModelsError> {
        self.change(|shelf| {
            if let Some(name) = aliases.keys().find(|name| shelf.candidate(name).is_some()) {
                return Err(wrong("aliases", name, "is the name of a model: choose another one"));
            }
            shelf.aliases = aliases;
            Ok(())
        })
    }

    /// Who may answer instead of a model, in order. A list is not followed further than itself.
    ///
    /// # Errors
    /// [`ModelsError::Configuration`] where a list names the model itself, or an embedding model is involved.
    pub fn set_fallbacks(&self, fallbacks: BTreeMap<String, Vec<String>>) -> Result<(), ModelsError> {
        self.change(|shelf| {
            for (model, list) in &fallbacks {
                shelf.check_fallbacks(model, list)?;
            }
            shelf.fallbacks = fallbacks;
            Ok(())
        })
    }

    /// What the supervisor says of an embedded engine. Ready closes its breaker.
    ///
    /// # Errors
    /// [`ModelsError::UnknownUpstream`].
    pub fn set_state(&self, upstream: &str, state: UpstreamState) -> Result<(), ModelsError> {
        self.upstream(upstream)?.set_state(state);
        Ok(())
    }

    /// What the supervisor last said of an upstream.
    ///
    /// # Errors
    /// [`ModelsError::UnknownUpstream`].
    pub fn state(&self, upstream: &str) -> Result<UpstreamState, ModelsError> {
        Ok(self.upstream(upstream)?.state())
    }

    /// The own routes of an embedded engine, whatever its state.
    ///
    /// # Errors
    /// [`ModelsError::UnknownUpstream`], also where it is no embedded engine.
    pub fn engine(&self, upstream: &str) -> Result<Engine, ModelsError> {
        let found = self.upstream(upstream)?;
        if !found.config.is_embedded() {
            return Err(ModelsError::UnknownUpstream { name: upstream.to_owned() });
        }
        Ok(Engine::new(found))
    }

    /// Asks a server what it serves, by its own names, before or after it is put in place.
    ///
    /// # Errors
    /// When the configuration is wrong, egress is refused, or the server does not answer with a list.
    pub async fn probe(&self, config: &UpstreamConfig) -> Result<Vec<ModelEntry>, ModelsError> {
        let counters = self.upstream(&config.name).map_or_else(|_| Arc::default(), |known| known.counters().clone());
        Upstream::new(config.clone(), counters, self.rules)?.served().await
    }

    /// What is to be asked of a server whose context lengths are not all configured; `None` where they are, and for
    /// embedded engines, whose lengths are known.
    #[must_use]
    pub fn unknown_lengths(&self, upstream: &str) -> Option<UnknownLengths> {
        let found = self.upstream(upstream).ok()?;
        let unknown = found.config.models.iter().any(|model| found.context_length(model).is_none());
        (unknown && !found.config.is_embedded()).then(|| UnknownLengths(Arc::downgrade(&found)))
    }

    /// The configuration of an upstream; its secrets do not print.
    ///
    /// # Errors
    /// [`ModelsError::UnknownUpstream`].
    pub fn config(&self, upstream: &str) -> Result<UpstreamConfig, ModelsError> {
        Ok(self.upstream(upstream)?.config.clone())
    }

    /// Every upstream at this moment, by name: for `/metrics` and listings.
    #[must_use]
    pub fn snapshots(&self) -> Vec<UpstreamSnapshot> {
        self.shelf.load().upstreams.values().map(|upstream| upstream.snapshot()).collect()
    }

    fn upstream(&self, name: &str) -> Result<Arc<Upstream>, ModelsError> {
        let unknown = || ModelsError::UnknownUpstream { name: name.to_owned() };
        self.shelf.load().upstreams.get(name).cloned().ok_or_else(unknown)
    }

    fn change(&self, change: impl FnOnce(&mut Shelf) -> Result<(), ModelsError>) -> Result<(), ModelsError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Shelf::clone(&self.shelf.load());
        change(&mut next)?;
        next.routes = next.all_routes();
        self.shelf.store(Arc::new(next));
        Ok(())
    }
}

impl Shelf {
    fn candidate(&self, model: &str) -> Option<Candidate> {
        self.upstreams.values().find_map(|upstream| {
            let at = upstream.config.models.iter().position(|other| other.name == model)?;
            Some(Candidate { upstream: upstream.clone(), at })
        })
    }

    fn all_routes(&self) -> HashMap<String, Route> {
        let models = self.upstreams.values().flat_map(|upstream| &upstream.config.models);
        let mut routes: HashMap<String, Route> =
            models.filter_map(|model| Some((model.name.clone(), self.route(&model.name)?))).collect();
        for (alias, model) in &self.aliases {
            if let (false, Some(route)) = (routes.contains_key(alias), routes.get(model).cloned()) {
                routes.insert(alias.clone(), route);
            }
        }
        routes
    }

    fn route(&self, model: &str) -> Option<Route> {
        let first = self.candidate(model)?;
        let kind = first.model().kind;
        let listed = self.fallbacks.get(model).into_iter().flatten();
        let fallbacks = listed.filter_map(|name| self.candidate(name)).filter(|other| other.model().kind == kind);
        Some(Route::new(first, fallbacks))
    }

    /// One name, one model: two upstreams with the same one would make a silent change of weights possible.
    fn check_names(&self, config: &UpstreamConfig) -> Result<(), ModelsError> {
        let others = self.upstreams.values().filter(|upstream| upstream.name() != config.name);
        for other in others {
            for model in &config.models {
                if other.config.models.iter().any(|known| known.name == model.name) {
                    let message = format!(
                        "'{}' is served by the upstream '{}' already: give it another name here, and list it under \
                         fallbacks if it may answer instead",
                        model.name,
                        other.name()
                    );
                    return Err(wrong(&format!("upstream '{}'", config.name), "models", &message));
                }
            }
        }
        Ok(())
    }

    fn check_fallbacks(&self, model: &str, list: &[String]) -> Result<(), ModelsError> {
        if list.iter().any(|name| name == model) {
            return Err(wrong("fallbacks", model, "lists itself: leave it out"));
        }
        let mut named = list.iter().map(String::as_str).chain([model]).filter_map(|name| self.candidate(name));
        if named.any(|candidate| candidate.model().kind == ModelKind::Embedding) {
            return Err(wrong("fallbacks", model, "vectors of two embedding models cannot be compared: leave it out"));
        }
        Ok(())
    }
}

fn wrong(subject: &str, field: &str, message: &str) -> ModelsError {
    ModelsError::Configuration { subject: subject.to_owned(), field: field.to_owned(), message: message.to_owned() }
}

fn entries(upstream: &Upstream) -> impl Iterator<Item = ModelEntry> {
    upstream.config.models.iter().map(|model| ModelEntry {
        id: model.name.clone(),
        owned_by: model.owned_by.clone().unwrap_or_else(|| upstream.name().to_owned()),
        context_length: upstream.context_length(model),
        max_model_len: upstream.context_length(model),
        freehold: Some(ModelAdditions {
            kind: match model.kind {
                ModelKind::Chat => wire::model::ModelKind::Chat,
                ModelKind::Embedding => wire::model::ModelKind::Embedding,
            },
            license: model.license.clone(),
            sha256: model.sha256.clone(),
            quantization: model.quantization.clone(),
            locality: upstream.config.locality,
        }),
        ..ModelEntry::default()
    })
}
