//! How every route is called: one row or more for each row of the table of routes. `<name>` is a place that takes an id
//! or a name; unless something else is asked for there, it is that thing of Ben's, or of whoever runs the house
//! (`World::own`). A word that stands plainly is no id.

use serde_json::Value;
use server::routes::{ROUTES, Route};

use super::world::Eye;

/// A row: how to call a route.
#[derive(Debug)]
pub(crate) struct Call {
    /// The method, the path and the query.
    line: &'static str,
    /// The body; empty: none.
    body: &'static str,
    /// Who sees here whatever there is, beside whoever sees it anyway.
    pub(crate) open_to: &'static [Eye],
}

/// Fields that never hold an id or a name of something that is here already.
pub(crate) const PLAIN: &[&str] = &[
    // Of a list.
    "limit",
    "order",
    "state",
    "outcome",
    "since",
    "until",
    "allowed",
    "complete",
    "epoch",
    // Of a search: names of rankings.
    "by",
    // Made with the caller's own id mixed in: `only_the_same_caller_kind_and_key_repeat`.
    "Idempotency-Key",
    // Of somebody or something new; only who sees all of its kind may send them.
    "user_name",
    "display_name",
    "email",
    "external",
    "active",
    "roles",
    "external_id",
    "name",
    "scopes",
    "capture",
    "limits",
    "expires_at",
    "act_for",
    "kind",
    "config",
    "on_delete",
    "folder",
    // Of a document, and of policies and settings.
    "title",
    "text",
    "url",
    "content_base64",
    "media_type",
    "updated_at",
    "source_version",
    "sensitivity",
    "quality",
    "attributes",
    "cedar",
    "issuers",
    "retention_days",
    // Of a search, of a simulation and of a break-glass.
    "query",
    "action",
    "purpose",
    "offset",
    "reason",
    "notice_at",
    "delay_reason",
];

const fn plain(line: &'static str) -> Call {
    Call { line, body: "", open_to: &[] }
}

const fn sends(line: &'static str, body: &'static str) -> Call {
    Call { line, body, open_to: &[] }
}

const fn open_to(open_to: &'static [Eye], line: &'static str) -> Call {
    Call { line, body: "", open_to }
}

const SECURITY: &[Eye] = &[Eye::Security];
const OPERATOR: &[Eye] = &[Eye::Operator];

/// Every way to name something.
#[rustfmt::skip]
pub(crate) const CALLS: &[Call] = &[
    plain("GET /healthz"),
    plain("GET /readyz"),
    plain("GET /metrics"),
    plain("GET /openapi.json"),
    plain("GET /sign-in?token=<link>"),

    plain("GET /v1/models"),
    plain("GET /v1/models/<parrot>"),
    sends("POST /v1/chat/completions", r#"{"model":"<parrot>","messages":[{"role":"user","content":"Hi"}],"user":"<customer>"}"#),
    sends("POST /v1/chat/completions", r#"{"model":"<parrot>","messages":[{"role":"user","content":"Hi"}],"stream":true}"#),
    sends("POST /v1/completions", r#"{"model":"<parrot>","prompt":"Hi","user":"<customer>"}"#),
    sends("POST /v1/embeddings", r#"{"model":"<parrot-vectors>","input":"Hi","user":"<customer>"}"#),
    sends("POST /v1/responses", r#"{"model":"<parrot>","input":"Hi","previous_response_id":"<response>","user":"<customer>"}"#),
    sends("POST /v1/responses", r#"{"model":"parrot","input":"Hi","previous_response_id":"<response>","stream":true}"#),
    sends("POST /v1/responses", r#"{"model":"parrot","input":"Hi","conversation":"<conversation>"}"#),
    sends("POST /v1/responses", r#"{"model":"parrot","input":"Hi","conversation":{"id":"<conversation>"},"stream":true}"#),
    sends("POST /v1/responses", r#"{"model":"parrot","input":[{"type":"message","id":"<item>","role":"user","content":"Hi"}]}"#),
    plain("GET /v1/responses/<response>"),
    plain("GET /v1/responses/<response>/input_items?after=<item>"),
    plain("DELETE /v1/responses/<response>"),
    sends("POST /v1/conversations", r#"{"items":[{"type":"message","id":"<item>","role":"user","content":"Hi"}]}"#),
    plain("GET /v1/conversations/<conversation>"),
    sends("POST /v1/conversations/<conversation>", r#"{"metadata":{"topic":"x"}}"#),
    plain("DELETE /v1/conversations/<conversation>"),
    plain("GET /v1/conversations/<conversation>/items?after=<item>"),
    sends("POST /v1/conversations/<conversation>/items", r#"{"items":[{"type":"message","id":"<item>","role":"user","content":"Hi"}]}"#),
    plain("GET /v1/conversations/<conversation>/items/<item>"),
    plain("DELETE /v1/conversations/<conversation>/items/<item>"),

    plain("GET /api/v1/me"),
    plain("GET /api/v1/notices?after=1000"),
    plain("DELETE /api/v1/sessions/current"),

    sends("POST /api/v1/people", r#"{"user_name":"<new>","display_name":"x","source":"<local>"}"#),
    plain("GET /api/v1/people?after=<ben>"),
    plain("GET /api/v1/people/<ben>"),
    sends("PATCH /api/v1/people/<ben>", r#"{"display_name":"Ben"}"#),
    plain("DELETE /api/v1/people/<ben>"),
    sends("POST /api/v1/groups", r#"{"name":"<new>","source":"<local>","members":["<ben>"]}"#),
    plain("GET /api/v1/groups?after=<sales>"),
    plain("GET /api/v1/groups/<sales>"),
    sends("PATCH /api/v1/groups/<sales>", r#"{"name":"Sales"}"#),
    plain("DELETE /api/v1/groups/<sales>"),
    plain("PUT /api/v1/groups/<sales>/members/<ben>"),
    plain("DELETE /api/v1/groups/<sales>/members/<ben>"),
    sends("POST /api/v1/services", r#"{"name":"<new>","act_for":["<sales>"]}"#),
    plain("GET /api/v1/services?after=<plain>"),
    plain("GET /api/v1/services/<plain>"),
    sends("PATCH /api/v1/services/<plain>", r#"{"act_for":["<sales>"]}"#),
    plain("DELETE /api/v1/services/<plain>"),
    sends("POST /api/v1/directory/import?source=<local>", r#"{"type":"group","external_id":"Team","name":"Team","members":["<ben's name>"]}"#),
    sends("POST /api/v1/keys", r#"{"name":"x","person":"<ben>"}"#),
    sends("POST /api/v1/keys", r#"{"name":"x","service":"<plain>"}"#),
    plain("GET /api/v1/keys?person=<ben>&after=<key>"),
    plain("GET /api/v1/keys?service=<plain>"),
    plain("GET /api/v1/keys/<key>"),
    plain("DELETE /api/v1/keys/<key>"),
    sends("POST /api/v1/sign_in_links", r#"{"person":"<ben>"}"#),
    plain("GET /api/v1/epochs?after=1"),
    plain("GET /api/v1/audit?after=1000"),
    open_to(SECURITY, "GET /api/v1/decisions?caller=<ben>&trace=<trace>&after=<decision>"),
    plain("GET /api/v1/decisions/<decision>"),
    plain("GET /api/v1/decisions/<decision>/replay"),
    open_to(SECURITY, "GET /api/v1/replays?caller=<ben>&trace=<trace>&after=<decision>"),

    sends("PUT /api/v1/policies", r#"{"cedar":"","attributes":{}}"#),
    plain("GET /api/v1/policies"),
    sends("PUT /api/v1/need_to_know", r#"{"matters":[{"id":"m","terms":["seal"],"inside":["<ben>"]}],"guards":[{"detector":"email","inside":["<sales>"]}],"canaries":[]}"#),
    plain("GET /api/v1/need_to_know"),
    Call { line: "POST /api/v1/access/simulate", body: r#"{"changes":[{"kind":"set_list","document":"<memo>","access":{"allow":["<ben>"]}}]}"#, open_to: SECURITY },
    Call { line: "POST /api/v1/access/simulate", body: r#"{"changes":[{"kind":"add_member","group":"<sales>","member":"<ben>"},{"kind":"set_default","source":"<wiki>","default_access":{"allow":["<ben>"]}}]}"#, open_to: SECURITY },
    Call { line: "POST /api/v1/break_glass", body: r#"{"person":"<ben>","documents":["<memo>"],"reason":"an audit","expires_at":"2026-09-21T20:00:00Z"}"#, open_to: SECURITY },
    plain("GET /api/v1/break_glass?after=<glass>"),
    plain("GET /api/v1/break_glass/<glass>"),
    plain("POST /api/v1/break_glass/<glass>/approve"),
    plain("DELETE /api/v1/break_glass/<glass>"),
    open_to(SECURITY, "GET /api/v1/access/explain?person=<ben>&action=read&resource=<memo>"),
    open_to(SECURITY, "GET /api/v1/access/explain?person=<ben>&action=discover&resource=<memo>&epoch=<epoch>"),
    open_to(SECURITY, "GET /api/v1/access/explain?person=<ben>&action=use&resource=<parrot>"),
    open_to(SECURITY, "GET /api/v1/access/explain?person=<gus>&action=use&resource=<parrot>"),

    sends("POST /api/v1/sources", r#"{"name":"<new>","kind":"push","default_access":{"allow":["<ben>"],"deny":["<sales>"]}}"#),
    plain("GET /api/v1/sources?after=<wiki>"),
    plain("GET /api/v1/sources/<wiki>"),
    plain("DELETE /api/v1/sources/<wiki>"),
    plain("POST /api/v1/sources/<wiki>/sync"),
    sends("POST /api/v1/search", r#"{"query":"anything","sources":["<wiki>"]}"#),
    plain("GET /api/v1/index"),
    plain("POST /api/v1/index/rebuild"),
    open_to(OPERATOR, "GET /api/v1/sources/<wiki>/documents?after=<memo>"),
    sends("POST /api/v1/sources/<wiki>/documents", r#"{"external_id":"<draft>","title":"t","text":"x","access":{"allow":["<ben>"],"deny":["<sales>"]}}"#),
    sends("PUT /api/v1/sources/<wiki>/documents/<draft>", r#"{"title":"t","text":"x","access":{"allow":["<ben>"],"deny":["<sales>"]}}"#),
    sends("PUT /api/v1/sources/<wiki>/documents/<draft>", r#"{"title":"t","text":"x","access":{"allow":[{"source":"<local>","external_id":"<ben's name>"}]}}"#),
    plain("DELETE /api/v1/sources/<wiki>/documents/<draft>"),
    sends("PUT /api/v1/sources/<wiki>/documents/<draft>/access", r#"{"allow":["<ben>"],"deny":["<sales>"]}"#),
    plain("GET /api/v1/documents/<memo>"),
    plain("GET /api/v1/documents/<memo>/text"),

    sends("POST /api/v1/erasures", r#"{"person":"<zoe>"}"#),
    Call { line: "POST /api/v1/erasures", body: r#"{"document":"<memo>"}"#, open_to: SECURITY },
    sends("POST /api/v1/erasures", r#"{"subject":"somebody"}"#),
    plain("GET /api/v1/erasures?after=<erasure>"),
    plain("GET /api/v1/erasures/<erasure>"),

    sends("POST /api/v1/backups", r#"{"folder":"backups"}"#),
    plain("GET /api/v1/lake"),
    plain("POST /api/v1/lake/compact"),
    plain("POST /api/v1/lake/verify"),
    plain("GET /iceberg/v1/config"),
    plain("GET /iceberg/v1/namespaces"),
    plain("GET /iceberg/v1/namespaces/<freehold>"),
    plain("GET /iceberg/v1/namespaces/<freehold>/tables"),
    plain("GET /iceberg/v1/namespaces/<freehold>/tables/<decisions>"),
    sends("POST /iceberg/v1/namespaces/<freehold>/tables/<decisions>/metrics", "{}"),

    plain("GET /api/v1/settings"),
    sends("PUT /api/v1/settings", r#"{"aliases":{"gpt":"<parrot>"},"fallbacks":{"sample":["<parrot>"]}}"#),

    plain("GET /api/v1/upstreams?after=<spare>"),
    plain("GET /api/v1/upstreams/<spare>"),
    sends("PUT /api/v1/upstreams/<spare>", r#"{"name":"<spare>","kind":{"remote":{"base_url":"http://127.0.0.1:9/v1"}},"locality":"external","models":[{"name":"none"}]}"#),
    plain("DELETE /api/v1/upstreams/<spare>"),

    plain("GET /api/v1/models?after=<sample>"),
    plain("GET /api/v1/models/<sample>"),
    plain("DELETE /api/v1/models/<sample>"),
    plain("POST /api/v1/models/<sample>/pull"),
    plain("GET /api/v1/jobs?after=<job>"),
    plain("GET /api/v1/jobs/<job>"),
    plain("GET /api/v1/jobs/<job>/events"),
    plain("POST /api/v1/jobs/<job>/cancel"),

    plain("GET /api/v1/traces?after=<trace>&task=<parrot>"),
    plain("GET /api/v1/traces/<trace>"),
    sends("POST /api/v1/feedback", r#"{"trace":"<trace>","kind":"rating","value":1}"#),
];

impl Call {
    /// The row of the table of routes that this calls.
    pub(crate) fn route(&self) -> Option<&'static Route> {
        let (method, target) = self.line.split_once(' ')?;
        let path: Vec<&str> = target.split('?').next()?.split('/').collect();
        // A parameter of a path is a place, and nothing else is.
        let same = |one: &str, other: &str| if one.starts_with('{') { other.starts_with('<') } else { one == other };
        ROUTES.iter().find(|route| {
            let parts: Vec<&str> = route.path.split('/').collect();
            let fits = parts.len() == path.len() && parts.iter().zip(&path).all(|(one, other)| same(one, other));
            fits && route.method == method
        })
    }

    /// The names of its places, each once.
    pub(crate) fn places(&self) -> Vec<&'static str> {
        let named = |text: &'static str| text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
        let mut places: Vec<&str> = named(self.line).chain(named(self.body)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The names of the fields of its query and its body.
    pub(crate) fn fields(&self) -> Vec<String> {
        let query = self.line.split_once('?').map_or("", |(_, query)| query);
        let mut fields: Vec<String> =
            query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned).collect();
        let body: Value = serde_json::from_str(self.body).unwrap_or_default();
        fields.extend(body.as_object().into_iter().flat_map(|body| body.keys().cloned()));
        fields
    }

    /// The path with its query, and the body, each place filled by `fill`.
    pub(crate) fn filled(&self, fill: impl Fn(&str) -> String) -> (String, String) {
        let target = self.line.split_once(' ').map_or("", |(_, target)| target);
        (filled(target, |place| encoded(&fill(place))), filled(self.body, fill))
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.line, self.body)
    }
}

fn filled(template: &str, fill: impl Fn(&str) -> String) -> String {
    let mut pieces = template.split('<');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (place, rest) = piece.split_once('>').unwrap();
        text.push_str(&fill(place));
        text.push_str(rest);
    }
    text
}

/// Percent-encoded, every byte but letters, digits and what stands in ids.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
