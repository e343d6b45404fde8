//! What a configuration must hold before an upstream is put in place: each refusal names the field and the mend.

use std::collections::BTreeSet;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use super::{Locality, ModelConfig, ModelKind, UpstreamConfig, UpstreamKind};
use crate::ModelsError;

/// The longest path a Unix socket can have on Linux, in bytes (`sockaddr_un`, without its final zero).
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// Headers that the request itself decides.
const OWN_HEADERS: [&str; 6] =
    ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"];

impl UpstreamConfig {
    /// Checks everything that can be checked without calling anybody.
    ///
    /// # Errors
    /// [`ModelsError::Configuration`] for the first field that is wrong.
    pub fn validate(&self) -> Result<(), ModelsError> {
        self.check().map_err(|(field, message)| ModelsError::Configuration {
            subject: format!("upstream '{}'", self.name),
            field,
            message,
        })
    }

    fn check(&self) -> Result<(), Wrong> {
        check_name("name", &self.name)?;
        self.check_place()?;
        self.check_headers()?;
        self.check_numbers()?;
        self.check_models()
    }

    fn check_place(&self) -> Result<(), Wrong> {
        match &self.kind {
            UpstreamKind::Embedded { socket } => {
                if self.locality == Locality::External {
                    return wrong("locality", "an embedded engine is local: write \"local\"");
                }
                if socket.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
                    return wrong(
                        "kind.embedded.socket",
                        "longer than 107 bytes: use a data folder with a shorter path",
                    );
                }
                Ok(())
            }
            UpstreamKind::Remote { base_url } => check_url(base_url),
        }
    }

    fn check_headers(&self) -> Result<(), Wrong> {
        if let Some(key) = &self.api_key {
            let key = key.reveal().map_err(|message| ("api_key".to_owned(), message))?;
            HeaderValue::from_str(&key)
                .map_err(|_| ("api_key".to_owned(), "holds characters that no header can: check it".to_owned()))?;
        }
        for (name, value) in &self.headers {
            let field = format!("headers.{name}");
            let known = HeaderName::from_bytes(name.as_bytes()).map(|name| name.as_str().to_owned());
            match known {
                Err(_) => return wrong(field, "not the name of a header"),
                Ok(name) if OWN_HEADERS.contains(&name.as_str()) => {
                    return wrong(field, "set by the request itself (a key belongs in `api_key`): leave it out");
                }
                Ok(_) => {}
            }
            let value = value.reveal().map_err(|message| (field.clone(), message))?;
            HeaderValue::from_str(&value).map_err(|_| (field, "not a value a header can have".to_owned()))?;
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), Wrong> {
        let timeouts = &self.timeouts;
        let numbers = [
            ("max_concurrent", self.max_concurrent as u64),
            ("max_reply_bytes", self.max_reply_bytes as u64),
            ("timeouts.connect_ms", timeouts.connect_ms),
            ("timeouts.first_byte_ms", timeouts.first_byte_ms),
            ("timeouts.idle_ms", timeouts.idle_ms),
            ("timeouts.answer_ms", timeouts.answer_ms),
            ("timeouts.total_ms", timeouts.total_ms.unwrap_or(1)),
            ("breaker.failures", u64::from(self.breaker.failures)),
            ("breaker.open_ms", self.breaker.open_ms),
        ];
        if let Some((field, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return wrong(*field, "must be at least 1");
        }
        if self.breaker.max_open_ms < self.breaker.open_ms {
            return wrong("breaker.max_open_ms", "must not be less than open_ms");
        }
        if self.retries > 10 {
            return wrong("retries", "at most 10");
        }
        Ok(())
    }

    fn check_models(&self) -> Result<(), Wrong> {
        if self.models.is_empty() {
            return wrong("models", "name at least one model that it serves");
        }
        let mut names = BTreeSet::new();
        for (index, model) in self.models.iter().enumerate() {
            let at = |field: &str| format!("models[{index}].{field}");
            check_model_name(&at("name"), &model.name)?;
            if !names.insert(&model.name) {
                return wrong(at("name"), "stands twice: each model has a name of its own");
            }
            check_model(model, at)?;
        }
        Ok(())
    }
}

type Wrong = (String, String);

fn wrong<T>(field: impl Into<String>, message: &str) -> Result<T, Wrong> {
    Err((field.into(), message.to_owned()))
}

fn check_model(model: &ModelConfig, at: impl Fn(&str) -> String) -> Result<(), Wrong> {
    if model.kind == ModelKind::Chat && (model.prefixes.is_some() || model.dimensions.is_some()) {
        return wrong(at("kind"), "prefixes and dimensions are of embedding models: write \"embedding\"");
    }
    if model.context_length == Some(0) || model.dimensions == Some(0) {
        return wrong(at("context_length"), "context_length and dimensions are at least 1 where they are given");
    }
    let hex = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if model.sha256.as_ref().is_some_and(|text| !hex(text)) {
        return wrong(at("sha256"), "64 hex digits");
    }
    Ok(())
}

fn check_name(field: &str, name: &str) -> Result<(), Wrong> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fine) {
        return wrong(field, "1 to 64 of a-z A-Z 0-9 . _ -");
    }
    Ok(())
}

/// Model names have slashes and colons at many publishers.
fn check_model_name(field: &str, name: &str) -> Result<(), Wrong> {
    if name.is_empty() || name.len() > 256 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong(field, "1 to 256 bytes without spaces");
    }
    Ok(())
}

fn check_url(base_url: &str) -> Result<(), Wrong> {
    let field = "kind.remote.base_url";
    let Ok(url) = Url::parse(base_url) else {
        return wrong(field, "not an address: write it as http://host:8000/v1");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return wrong(field, "must begin with http:// or https:// and name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(field, "must not carry a user or password: put the key in `api_key`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(field, "must end with its path, such as /v1");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn remote(base_url: &str) -> UpstreamConfig {
        UpstreamConfig::remote("gpu", base_url, vec![ModelConfig::new("org/big:1", ModelKind::Chat)])
    }

    fn refusal(config: &UpstreamConfig) -> String {
        let Err(ModelsError::Configuration { field, .. }) = config.validate() else { return "fine".to_owned() };
        field
    }

    #[test]
    fn each_refusal_names_the_field() {
        assert_eq!(refusal(&remote("https://gpu:8000/v1")), "fine");
        for address in ["gpu:8000", "ftp://gpu/v1", "http://user:pass@gpu/v1", "http://gpu/v1?key=1", ""] {
            assert_eq!(refusal(&remote(address)), "kind.remote.base_url", "{address}");
        }
        let fine = remote("http://gpu/v1");
        let with = |change: &dyn Fn(&mut UpstreamConfig)| {
            let mut config = fine.clone();
            change(&mut config);
            refusal(&config)
        };
        assert_eq!(with(&|c| c.name = "a b".into()), "name");
        assert_eq!(with(&|c| c.models.clear()), "models");
        assert_eq!(with(&|c| c.models.push(c.models[0].clone())), "models[1].name");
        assert_eq!(with(&|c| c.models[0].dimensions = Some(8)), "models[0].kind");
        assert_eq!(with(&|c| c.models[0].sha256 = Some("xyz".into())), "models[0].sha256");
        assert_eq!(with(&|c| c.max_concurrent = 0), "max_concurrent");
        assert_eq!(with(&|c| c.max_waiting = 0), "fine");
        assert_eq!(with(&|c| c.breaker.max_open_ms = 1), "breaker.max_open_ms");
        assert_eq!(with(&|c| c.api_key = Some(Secret::from_environment("FREEHOLD_NO_SUCH_KEY"))), "api_key");
        assert_eq!(with(&|c| c.api_key = Some(Secret::given("a\nb"))), "api_key");
        assert_eq!(with(&|c| drop(c.headers.insert("Host".into(), Secret::given("x")))), "headers.Host");
    }

    #[test]
    fn an_embedded_engine_is_local_and_its_socket_fits() {
        let models = vec![ModelConfig::new("small", ModelKind::Chat)];
        let mut engine = UpstreamConfig::embedded("engine", "/run/engine.sock".into(), models.clone());
        assert_eq!(refusal(&engine), "fine");
        engine.locality = Locality::External;
        assert_eq!(refusal(&engine), "locality");
        let deep = UpstreamConfig::embedded("engine", format!("/{}", "d".repeat(107)).into(), models);
        assert_eq!(refusal(&deep), "kind.embedded.socket");
    }
}
