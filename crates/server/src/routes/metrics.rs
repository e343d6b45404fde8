//! `GET /metrics`: counters for Prometheus, under vLLM's names where the meaning is the same. Labels are names of
//! models and upstreams, patterns of routes and closed words; no ids (docs/access.md, rule 10).

use app::{Gauges, ModelCounters, UpstreamGauges};
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

use crate::door::Door;
use crate::exposition::Exposition;
use crate::requests::RequestCounters;

/// Counters and gauges, in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "Health", security(()),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(crate) async fn show(State(door): State<Door>) -> impl IntoResponse {
    let gauges = app::gauges(&door.app).await;
    let mut text = Exposition::default();
    requests(&mut text, &door.requests);
    models(&mut text, &gauges);
    upstreams(&mut text, &gauges.upstreams);
    engines(&mut text, &gauges.upstreams);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.into_text())
}

fn requests(text: &mut Exposition, requests: &RequestCounters) {
    const NAME: &str = "freehold_http_requests_total";
    text.begin(NAME, "counter", "Requests answered at this door, by route of the table and HTTP status.");
    for (label, count) in requests.snapshot() {
        let status = label.status.to_string();
        text.sample(NAME, &[("method", label.method), ("route", &label.route), ("status", &status)], count);
    }
}

fn models(text: &mut Exposition, gauges: &Gauges) {
    const OUTCOMES: &str = "freehold_exchanges_total";
    text.begin(OUTCOMES, "counter", "Exchanges by model and how they ended.");
    for (model, counters) in &gauges.models {
        for (outcome, count) in &counters.requests {
            text.sample(OUTCOMES, &[("model_name", model), ("outcome", outcome)], count);
        }
    }
    per_model(text, gauges, ("vllm:prompt_tokens_total", "Prompt tokens, cached ones included."), |counters| {
        counters.tokens.prompt
    });
    per_model(text, gauges, ("vllm:generation_tokens_total", "Tokens generated."), |counters| {
        counters.tokens.completion
    });
    per_model(text, gauges, ("freehold_cached_prompt_tokens_total", "Prompt tokens taken from a cache."), |counters| {
        counters.tokens.cached
    });
    per_model(text, gauges, ("freehold_cost_micro_usd_total", "Cost, millionths of a US dollar."), |counters| {
        counters.cost_micro_usd
    });
    latencies(text, gauges);
}

fn per_model(text: &mut Exposition, gauges: &Gauges, (name, help): (&str, &str), of: fn(&ModelCounters) -> u64) {
    text.begin(name, "counter", help);
    for (model, counters) in &gauges.models {
        text.sample(name, &[("model_name", model)], of(counters));
    }
}

fn latencies(text: &mut Exposition, gauges: &Gauges) {
    const TOTAL: &str = "vllm:e2e_request_latency_seconds";
    text.begin(TOTAL, "histogram", "From receipt to the last byte of answered requests.");
    for (model, counters) in &gauges.models {
        text.histogram(TOTAL, &[("model_name", model)], &counters.total);
    }
    const FIRST: &str = "vllm:time_to_first_token_seconds";
    text.begin(FIRST, "histogram", "From receipt to the first token of an answer.");
    for (model, counters) in &gauges.models {
        text.histogram(FIRST, &[("model_name", model)], &counters.first_token);
    }
}

fn upstreams(text: &mut Exposition, upstreams: &[UpstreamGauges]) {
    let gauge = ("vllm:num_requests_running", "gauge", "Requests that an upstream is answering.");
    per_upstream(text, upstreams, gauge, |upstream| upstream.snapshot.running as u64);
    let gauge = ("vllm:num_requests_waiting", "gauge", "Requests that wait for a place at an upstream.");
    per_upstream(text, upstreams, gauge, |upstream| upstream.snapshot.waiting as u64);
    let gauge = ("freehold_upstream_ready", "gauge", "Whether an upstream takes requests.");
    per_upstream(text, upstreams, gauge, |upstream| u64::from(upstream.is_ready()));
    let counter = ("freehold_upstream_requests_total", "counter", "Requests for an upstream.");
    per_upstream(text, upstreams, counter, |upstream| upstream.snapshot.counts.requests);
    let counter = ("freehold_upstream_retries_total", "counter", "Requests sent once more.");
    per_upstream(text, upstreams, counter, |upstream| upstream.snapshot.counts.retries);
    let counter = ("freehold_upstream_sent_bytes_total", "counter", "Bytes of request bodies sent to an upstream.");
    per_upstream(text, upstreams, counter, |upstream| upstream.snapshot.counts.bytes_sent);
    let counter = ("freehold_upstream_received_bytes_total", "counter", "Bytes of answers received from an upstream.");
    per_upstream(text, upstreams, counter, |upstream| upstream.snapshot.counts.bytes_received);
    const ERRORS: &str = "freehold_upstream_errors_total";
    text.begin(ERRORS, "counter", "Requests to an upstream that ended with an error, by code.");
    for UpstreamGauges { snapshot, .. } in upstreams {
        for (code, count) in &snapshot.counts.errors {
            text.sample(ERRORS, &[("upstream", &snapshot.name), ("code", code)], count);
        }
    }
}

fn per_upstream(
    text: &mut Exposition,
    upstreams: &[UpstreamGauges],
    (name, kind, help): (&str, &str, &str),
    of: fn(&UpstreamGauges) -> u64,
) {
    text.begin(name, kind, help);
    for upstream in upstreams {
        let models = upstream.snapshot.models.join(",");
        let labels = [
            ("model_name", models.as_str()),
            ("upstream", &upstream.snapshot.name),
            ("locality", upstream.snapshot.locality.as_str()),
        ];
        text.sample(name, &labels, of(upstream));
    }
}

fn engines(text: &mut Exposition, upstreams: &[UpstreamGauges]) {
    const CACHE: &str = "vllm:kv_cache_usage_perc";
    text.begin(CACHE, "gauge", "Share of the KV state in use; 1 is all of it.");
    for (model, stats) in
        upstreams.iter().filter_map(|upstream| upstream.engine.as_ref().map(|stats| (upstream, stats)))
    {
        let usage = stats.kv_tokens_used as f64 / stats.kv_tokens_total.max(1) as f64;
        text.sample(CACHE, &[("model_name", &model.snapshot.models.join(","))], usage);
    }
    let of_engines = |text: &mut Exposition, name: &str, help: &str, of: fn(&wire::engine::EngineStats) -> u64| {
        text.begin(name, "counter", help);
        for upstream in upstreams {
            if let Some(stats) = &upstream.engine {
                text.sample(name, &[("model_name", &upstream.snapshot.models.join(","))], of(stats));
            }
        }
    };
    of_engines(text, "vllm:prefix_cache_queries_total", "Prompt tokens looked up in cached KV state.", |stats| {
        stats.prompt_tokens
    });
    of_engines(text, "vllm:prefix_cache_hits_total", "Prompt tokens taken from cached KV state.", |stats| {
        stats.cache_hit_tokens
    });
    of_engines(text, "freehold_engine_steps_total", "Decode steps.", |stats| stats.steps);
}
