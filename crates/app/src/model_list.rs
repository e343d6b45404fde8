//! Which models the asker may use.

use models::ModelsError;
use wire::model::ModelEntry;

use crate::admission::sees_base_models;
use crate::app::App;
use crate::assistant;
use crate::error::AppError;
use crate::exchange::Asker;

/// The models that the asker may use, with their context lengths.
#[must_use]
pub fn models(app: &App, asker: &Asker) -> Vec<ModelEntry> {
    if !sees_base_models(app, asker) {
        return Vec::new();
    }
    let mut models = app.models.list();
    models.extend(assistant::entry(app));
    models
}

/// One of them, by name or alias.
///
/// # Errors
/// Not found, also where the asker may not use it.
pub fn model(app: &App, asker: &Asker, name: &str) -> Result<ModelEntry, AppError> {
    let unknown = || ModelsError::UnknownModel { name: name.to_owned() }.into();
    let listed = models(app, asker);
    let name = if assistant::is_asked(app, name) { assistant::NAME } else { name };
    let resolved = app.models.resolve(name).map(|route| route.model().to_owned()).unwrap_or_default();
    listed.into_iter().find(|model| model.id == name || model.id == resolved).ok_or_else(unknown)
}
