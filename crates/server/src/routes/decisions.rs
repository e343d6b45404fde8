//! `/api/v1/decisions`: who asked for what, the answer, and the rules that gave it; and the same answer again.

use std::sync::Arc;

use app::App;
use app::decisions::{self, Replay};
use app::listing::{Listing, Slice};
use axum::Json;
use axum::extract::State;
use domain::Decision;
use serde::Deserialize;

use crate::error::Answer;
use crate::query::{Named, Parameters, from_text};

/// Which decisions are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DecisionFilter {
    /// How many at most: 1 to 1,000.
    #[serde(default, deserialize_with = "from_text")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u32>,
    /// The last id of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Only those of this person or service, by id.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = Option<String>)]
    caller: Option<domain::Principal>,
    /// Only those about this exchange.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    trace: Option<domain::TraceId>,
    /// Only those that said yes, or no.
    #[serde(default, deserialize_with = "from_text")]
    allowed: Option<bool>,
}

impl From<DecisionFilter> for decisions::DecisionFilter {
    fn from(DecisionFilter { limit, after, caller, trace, allowed }: DecisionFilter) -> Self {
        Self { listing: Listing { limit, after }, caller, trace, allowed }
    }
}

/// List decisions, newest first: ids and rules, no content.
#[utoipa::path(
    get, path = "/api/v1/decisions", tag = "Audit", params(DecisionFilter),
    responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(filter): Parameters<DecisionFilter>,
) -> Answer<Json<Slice<Decision>>> {
    Ok(Json(decisions::decisions(&app, filter.into()).await?))
}

/// One decision.
#[utoipa::path(
    get, path = "/api/v1/decisions/{decision}", tag = "Audit", params(("decision" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, Named(id): Named) -> Answer<Json<Decision>> {
    Ok(Json(decisions::one(&app, &id).await?))
}

/// The same question at the same epoch, answered again, beside the answer that was given then.
#[utoipa::path(
    get, path = "/api/v1/decisions/{decision}/replay", tag = "Audit", params(("decision" = String, Path)),
    responses((status = 200, body = Replay), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn replay(State(app): State<Arc<App>>, Named(id): Named) -> Answer<Json<Replay>> {
    Ok(Json(decisions::replay(&app, &id).await?))
}

/// The newest decisions, each given again.
#[utoipa::path(
    get, path = "/api/v1/replays", tag = "Audit", params(DecisionFilter),
    responses((status = 200, body = Slice<Replay>))
)]
pub(crate) async fn replays(
    State(app): State<Arc<App>>,
    Parameters(filter): Parameters<DecisionFilter>,
) -> Answer<Json<Slice<Replay>>> {
    Ok(Json(decisions::replay_newest(&app, filter.into()).await?))
}
