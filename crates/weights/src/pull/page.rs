//! A project's page of a simple package index: JSON (PEP 691) or HTML (PEP 503), reduced to its links.

use serde::Deserialize;

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its name.
    pub(super) file: String,
    /// Its address, which may be relative to the page's.
    pub(super) address: String,
    /// Its sha256, where the index says.
    pub(super) sha256: Option<String>,
    /// Its size, where the index says.
    pub(super) bytes: Option<u64>,
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::HashMap<String, String>,
    #[serde(default)]
    size: Option<u64>,
}

/// The links of a JSON page.
pub(super) fn json_links(page: &str) -> Result<Vec<Link>, String> {
    let page: JsonPage = serde_json::from_str(page).map_err(|cause| cause.to_string())?;
    let link = |mut file: JsonFile| Link {
        file: file.filename,
        address: file.url,
        sha256: file.hashes.remove("sha256").and_then(sha256),
        bytes: file.size,
    };
    Ok(page.files.into_iter().map(link).collect())
}

/// The links of an HTML page: every `a` with a `href`, named by the last part of its address.
pub(super) fn html_links(page: &str) -> Vec<Link> {
    let tags = page.split('<').filter_map(|tag| tag.split_once('>').map(|(inside, _)| inside));
    tags.filter_map(|tag| tag.strip_prefix(['a', 'A']).filter(|rest| rest.starts_with(char::is_whitespace)))
        .filter_map(|attributes| href(attributes).map(|value| unescape(&value)))
        .map(|address| {
            let (address, fragment) = address.split_once('#').map_or((address.as_str(), ""), |pair| pair);
            let path = address.split('?').next().unwrap_or(address);
            Link {
                file: path.rsplit('/').next().unwrap_or(path).to_owned(),
                address: address.to_owned(),
                sha256: fragment.strip_prefix("sha256=").map(str::to_owned).and_then(sha256),
                bytes: None,
            }
        })
        .collect()
}

fn sha256(text: String) -> Option<String> {
    let text = text.to_ascii_lowercase();
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

/// The value of the attribute `href`, in single or double quotes.
fn href(attributes: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let quote = after.trim_start().chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, after) = after.trim_start().get(1..)?.split_once(quote)?;
        if name.trim().rsplit(char::is_whitespace).next().is_some_and(|name| name.eq_ignore_ascii_case("href")) {
            return Some(value.to_owned());
        }
        rest = after.trim_start();
    }
    None
}

fn unescape(text: &str) -> String {
    ["&lt;<", "&gt;>", "&quot;\"", "&#39;'", "&#x27;'", "&amp;&"].iter().fold(text.to_owned(), |text, pair| {
        let (entity, character) = pair.split_at(pair.len() - 1);
        text.replace(entity, character)
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    const SHA: &str = "6ca4479c6df86ff8dd93f025575b659db5058e43ee64d7f01ac118a99fb6e198";

    #[test]
    fn a_page_of_html_gives_its_links() {
        let page = format!(
            "<!DOCTYPE html><html><body><h1>Links</h1>\n<a data-requires-python=\"&gt;=3.8\" href=\"../../p/a-1.0-py3-none-any.whl#sha256={SHA}\">x</a><br/>\
             <A HREF='https://host/a%2Bb-1.0.tar.gz?x=1&amp;y=2'>a</A><abbr href=\"no\"></abbr><a>none</a></body>"
        );
        expect![[r#"
            [
                Link {
                    file: "a-1.0-py3-none-any.whl",
                    address: "../../p/a-1.0-py3-none-any.whl",
                    sha256: Some(
                        "6ca4479c6df86ff8dd93f025575b659db5058e43ee64d7f01ac118a99fb6e198",
                    ),
                    bytes: None,
                },
                Link {
                    file: "a%2Bb-1.0.tar.gz",
                    address: "https://host/a%2Bb-1.0.tar.gz?x=1&y=2",
                    sha256: None,
                    bytes: None,
                },
            ]
        "#]]
        .assert_debug_eq(&html_links(&page));
    }

    #[test]
    fn a_page_of_json_gives_its_links() {
        let page = format!(
            r#"{{"meta":{{"api-version":"1.1"}},"name":"a","files":[{{"filename":"a-1.0-py3-none-any.whl","url":"p/a.whl","hashes":{{"sha256":"{}"}},"size":7,"yanked":false}}]}}"#,
            SHA.to_uppercase()
        );
        let links = json_links(&page).unwrap();
        let expected = Link {
            file: "a-1.0-py3-none-any.whl".into(),
            address: "p/a.whl".into(),
            sha256: Some(SHA.into()),
            bytes: Some(7),
        };
        assert_eq!(links, [expected]);
        assert!(json_links("{\"files\": 3}").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_pages_never_panic(page in "\\PC*", html in "(<a |href=|[\"'#<>= ]|sha256=|[a-z/]){0,40}") {
            let _ = (json_links(&page), html_links(&page), html_links(&html));
        }
    }
}
