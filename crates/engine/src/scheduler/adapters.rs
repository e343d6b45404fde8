//! Loaded adapters. One is active per batch; sequences name theirs by number, so that a name loaded anew is
//! never taken for the old one.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::EngineError;
use crate::native::{Adapter, Context, Model};

/// Number of a loaded adapter; 0 is the bare model.
pub(super) type AdapterId = u64;

struct Loaded {
    id: AdapterId,
    name: String,
    path: PathBuf,
    adapter: Adapter,
}

/// All adapters, and which one the context uses.
pub(super) struct Adapters {
    model: Arc<Model>,
    loaded: Vec<Loaded>,
    active: AdapterId,
    last_id: AdapterId,
}

impl Adapters {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self { model, loaded: Vec::new(), active: 0, last_id: 0 }
    }

    pub(super) fn load(&mut self, name: String, path: PathBuf) -> Result<(), EngineError> {
        if let Some(loaded) = self.loaded.iter().find(|loaded| loaded.name == name) {
            return match loaded.path == path {
                true => Ok(()),
                false => Err(EngineError::AdapterConflict(format!(
                    "an adapter named `{name}` is loaded from another file; unload it first"
                ))),
            };
        }
        if !path.is_file() {
            return Err(EngineError::Adapter { path, reason: "there is no such file".to_owned() });
        }
        match Adapter::load(&self.model, &path) {
            Ok(adapter) => {
                self.last_id += 1;
                self.loaded.push(Loaded { id: self.last_id, name, path, adapter });
                Ok(())
            }
            Err(reason) => Err(EngineError::Adapter { path, reason }),
        }
    }

    /// The number behind a name; no name is the bare model.
    pub(super) fn resolve(&self, name: Option<&str>) -> Result<AdapterId, EngineError> {
        let Some(name) = name else { return Ok(0) };
        let found = self.loaded.iter().find(|loaded| loaded.name == name);
        found.map(|loaded| loaded.id).ok_or_else(|| EngineError::UnknownAdapter(name.to_owned()))
    }

    /// Makes an adapter the context's.
    pub(super) fn select(&mut self, id: AdapterId, context: &mut Context) {
        if self.active != id {
            let adapter = self.loaded.iter().find(|loaded| loaded.id == id).map(|loaded| &loaded.adapter);
            context.set_adapter(adapter);
            self.active = id;
        }
    }

    /// Frees an adapter that no sequence uses.
    pub(super) fn unload(&mut self, id: AdapterId, context: &mut Context) {
        if self.active == id {
            self.select(0, context);
        }
        self.loaded.retain(|loaded| loaded.id != id);
    }

    pub(super) fn list(&self) -> Vec<(String, PathBuf)> {
        self.loaded.iter().map(|loaded| (loaded.name.clone(), loaded.path.clone())).collect()
    }
}
