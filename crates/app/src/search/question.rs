//! A question as it is sent.

use domain::Attributes;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::AppError;

/// How many passages a search gives where nothing is said.
const DEFAULT_LIMIT: u32 = 10;
/// And at most.
const MAX_LIMIT: u32 = 100;
/// The longest question, code points.
const LONGEST: usize = 100_000;
/// The most sources or attributes that narrow a search.
const MOST_NARROWINGS: usize = 100;

/// A question as it is sent.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
pub struct SearchRequest {
    /// What is looked for, in any language.
    pub query: String,
    /// How many passages at most: 1 to 100, 10 unless given.
    pub limit: Option<u32>,
    /// Only from these sources, by id or name.
    pub sources: Option<Vec<String>>,
    /// Only from documents of which this was said: the same value, or for lists of strings all of these.
    #[schema(value_type = Option<std::collections::BTreeMap<String, serde_json::Value>>)]
    pub attributes: Option<Attributes>,
    /// By which rankings: `text`, `vectors`, or both, as unless given.
    pub by: Option<Vec<Ranking>>,
}

/// A way to rank passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ranking {
    /// By the words that they share with the question.
    Text,
    /// By how near they are in meaning.
    Vectors,
}

/// A question that can be searched for.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) text: String,
    pub(super) limit: usize,
    pub(super) sources: Option<Vec<String>>,
    pub(super) attributes: Attributes,
    pub(super) by_text: bool,
    pub(super) by_vectors: bool,
}

impl Question {
    pub(super) fn read(request: SearchRequest) -> Result<Self, AppError> {
        let SearchRequest { query, limit, sources, attributes, by } = request;
        if query.trim().is_empty() {
            return Err(AppError::invalid("query", "`query` is empty: say what you look for"));
        }
        if query.chars().count() > LONGEST {
            let message = format!("`query` is longer than {LONGEST} characters: ask in fewer words");
            return Err(AppError::invalid("query", message));
        }
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(AppError::invalid("limit", format!("`limit`: use a number from 1 to {MAX_LIMIT}")));
        }
        let attributes = attributes.unwrap_or_default();
        for (param, count) in [("sources", sources.as_ref().map_or(0, Vec::len)), ("attributes", attributes.len())] {
            if count > MOST_NARROWINGS {
                return Err(AppError::invalid(param, format!("`{param}`: name at most {MOST_NARROWINGS}")));
            }
        }
        let wants = |ranking| by.as_ref().is_none_or(|by| by.contains(&ranking));
        let (by_text, by_vectors) = (wants(Ranking::Text), wants(Ranking::Vectors));
        if !by_text && !by_vectors {
            return Err(AppError::invalid("by", "`by` is empty: name `text`, `vectors` or both, or leave it out"));
        }
        Ok(Self { text: query, limit: limit as usize, sources, attributes, by_text, by_vectors })
    }
}
