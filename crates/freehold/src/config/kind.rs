//! The kinds of values a key can have: each checks a value and says what is allowed, in one place, so that the error,
//! the example file and the reference agree.

use std::net::SocketAddr;
use std::path::Path;

use toml::Value;

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An IP address and a port.
    Address,
    /// The path in front of all routes: empty, or `/name`.
    BasePath,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A list of names.
    Names,
    /// A file or folder; from a file, relative to that file's folder.
    Path,
    /// Any text that is not empty.
    Text,
    /// `http://` or `https://`.
    Url,
    /// A list of outside servers, each as `models::UpstreamConfig` reads it.
    Upstreams,
    /// A whole number within bounds.
    Whole {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
}

impl Kind {
    /// What is allowed, as a person reads it.
    pub(crate) fn allowed(self) -> String {
        match self {
            Self::Address => "an IP address and a port, such as 127.0.0.1:7878 or [::]:7878".to_owned(),
            Self::BasePath => {
                "empty, or a path such as /freehold: it begins with '/' and does not end with one".to_owned()
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Flag => "true or false".to_owned(),
            Self::Names => "a list of names, such as [\"a\", \"b\"] (in the environment: a,b)".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Text => "a text that is not empty".to_owned(),
            Self::Upstreams => "a list of tables, each with a name, a kind and models".to_owned(),
            Self::Url => "a URL that begins with http:// or https://".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
        }
    }

    /// The value if it is allowed, as it will be used; paths are joined to `base`.
    pub(crate) fn check(self, value: Value, base: &Path) -> Option<Value> {
        match (self, value) {
            (Self::Flag, Value::Boolean(flag)) => Some(Value::Boolean(flag)),
            (Self::Whole { min, max }, Value::Integer(number)) => {
                (min..=max).contains(&number).then_some(Value::Integer(number))
            }
            (Self::Names, Value::Array(names)) => {
                let named = |name: &Value| name.as_str().is_some_and(|text| !text.trim().is_empty());
                names.iter().all(named).then_some(Value::Array(names))
            }
            (Self::Upstreams, Value::Array(upstreams)) => {
                upstreams.iter().all(Value::is_table).then_some(Value::Array(upstreams))
            }
            (Self::Path, Value::String(path)) if !path.is_empty() => {
                base.join(path).into_os_string().into_string().ok().map(Value::String)
            }
            (kind, Value::String(text)) => kind.takes(&text).then_some(Value::String(text)),
            _ => None,
        }
    }

    fn takes(self, text: &str) -> bool {
        match self {
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::BasePath => text.is_empty() || is_base_path(text),
            Self::Choice(words) => words.contains(&text),
            Self::Text => !text.trim().is_empty(),
            Self::Url => is_url(text),
            Self::Flag | Self::Names | Self::Path | Self::Upstreams | Self::Whole { .. } => false,
        }
    }

    /// The text of an environment variable or a flag as a value of this kind; what cannot be read stays text, and
    /// [`Kind::check`] refuses it.
    pub(crate) fn read(self, text: &str) -> Value {
        let word = text.trim();
        match self {
            Self::Flag => word.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Boolean),
            Self::Whole { .. } => word.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
            Self::Names => {
                let names = word.split(',').map(str::trim).filter(|name| !name.is_empty());
                Value::Array(names.map(|name| Value::String(name.to_owned())).collect())
            }
            Self::Upstreams => word.parse().unwrap_or_else(|_| Value::String(text.to_owned())),
            _ => Value::String(text.to_owned()),
        }
    }
}

fn is_base_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    text.starts_with('/') && !text.ends_with('/') && !text.contains("//") && text.bytes().all(plain)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(kind: Kind, text: &str) -> bool {
        kind.check(kind.read(text), Path::new("/etc/freehold")).is_some()
    }

    #[test]
    fn each_kind_takes_what_it_says_and_nothing_else() {
        let whole = Kind::Whole { min: 1, max: 9 };
        for (kind, good, bad) in [
            (Kind::Address, vec!["127.0.0.1:0", "[::1]:80"], vec!["localhost:80", "127.0.0.1", "1.2.3.4:99999"]),
            (Kind::BasePath, vec!["", "/ai", "/a/b"], vec!["ai", "/", "/ai/", "/a//b", "/ä"]),
            (Kind::Choice(&["a", "b"]), vec!["a"], vec!["A", "", "c"]),
            (Kind::Flag, vec!["true", "false"], vec!["yes", "1", ""]),
            (Kind::Names, vec!["a", "a, b", ""], vec![]),
            (Kind::Path, vec!["x", "/x"], vec![""]),
            (Kind::Text, vec!["x"], vec!["", "  "]),
            (Kind::Url, vec!["http://x", "https://x:1/y"], vec!["ftp://x", "https://", "https:///x", "http://a b"]),
            (whole, vec!["1", "9"], vec!["0", "10", "1.5", "one", ""]),
        ] {
            for text in good {
                assert!(accepts(kind, text), "{kind:?} takes {text:?}");
            }
            for text in bad {
                assert!(!accepts(kind, text), "{kind:?} refuses {text:?}");
            }
        }
    }

    #[test]
    fn a_path_in_a_file_is_relative_to_that_file() {
        let joined = Kind::Path.check(Value::String("tls/cert.pem".into()), Path::new("/etc/freehold"));
        assert_eq!(joined, Some(Value::String("/etc/freehold/tls/cert.pem".into())));
    }
}
