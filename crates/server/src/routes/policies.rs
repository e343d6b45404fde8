//! `/api/v1/policies` and `/api/v1/access/explain`: rules that narrow what lists allow, and why anything is allowed.

use std::sync::Arc;

use app::App;
use app::policies::{self, Explain, Explanation, PolicyRequest, PolicyView};
use app::simulation::{self, SimulationRequest, SimulationView};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Parameters, from_text};

/// Replace the policies. Wrong ones are refused with their place, and the old ones stay.
#[utoipa::path(
    put, path = "/api/v1/policies", tag = "Access", request_body = PolicyRequest,
    responses((status = 200, body = PolicyView), (status = 400, description = "They cannot be read; nothing changed"))
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(request): Payload<PolicyRequest>,
) -> Answer<Json<PolicyView>> {
    Ok(Json(policies::put(&app, &asker.caller, request).await?))
}

/// The policies in force.
#[utoipa::path(get, path = "/api/v1/policies", tag = "Access", responses((status = 200, body = PolicyView)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Answer<Json<PolicyView>> {
    Ok(Json(policies::get(&app).await?))
}

/// What is to be explained.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    /// Who: an id or a user name.
    person: String,
    /// What for: `read`, `discover`, `train`, `use`, ...
    #[param(value_type = String)]
    action: domain::Action,
    /// On what: the id of a document, or the name of a model.
    resource: String,
    /// At which epoch; the newest unless given.
    #[serde(default, deserialize_with = "from_text")]
    epoch: Option<u64>,
}

/// Why somebody may do something or not. Without the role `security`: what you yourself may do, and nothing else.
#[utoipa::path(
    get, path = "/api/v1/access/explain", tag = "Access", params(ExplainQuery),
    responses((status = 200, body = Explanation), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(ExplainQuery { person, action, resource, epoch }): Parameters<ExplainQuery>,
) -> Answer<Json<Explanation>> {
    Ok(Json(policies::explain(&app, &asker, Explain { person, action, resource, epoch }).await?))
}

/// What changes of rights would change: who would gain and who would lose what. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/access/simulate", tag = "Access", request_body = SimulationRequest,
    responses((status = 200, body = SimulationView), (status = 400, body = serde_json::Value))
)]
pub(crate) async fn simulate(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(request): Payload<SimulationRequest>,
) -> Answer<Json<SimulationView>> {
    Ok(Json(simulation::tell(&app, &asker, request).await?))
}
