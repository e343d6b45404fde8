//! The `freehold` object added to replies: which trace, what answered, what it rests on, what it cost.

use domain::{Cost, TraceId};
use serde::{Deserialize, Deserializer, Serialize};

/// What Freehold adds to a reply.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Additions {
    /// The record of this exchange; `null` where nothing is kept.
    #[serde(default)]
    pub trace: Option<TraceId>,
    /// The task that was called.
    #[serde(default)]
    pub task: Option<String>,
    /// The base model that answered.
    #[serde(default)]
    pub model: Option<String>,
    /// The adapter on top of it.
    #[serde(default)]
    pub adapter: Option<String>,
    /// What the answer rests on.
    #[serde(default)]
    pub citations: Vec<Citation>,
    /// Millionths of a US dollar.
    #[serde(default)]
    pub cost_micro_usd: Cost,
}

/// What Freehold adds to a stream: citations on the first chunk, everything on the last.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ChunkAdditions {
    /// On the first chunk, where there are citations.
    Opening {
        /// What the answer rests on.
        citations: Vec<Citation>,
    },
    /// On the last chunk before the end.
    Closing(Additions),
}

impl<'de> Deserialize<'de> for ChunkAdditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Either {
            #[serde(default)]
            cost_micro_usd: Option<Cost>,
            #[serde(default)]
            trace: Option<TraceId>,
            #[serde(default)]
            task: Option<String>,
            #[serde(default)]
            model: Option<String>,
            #[serde(default)]
            adapter: Option<String>,
            #[serde(default)]
            citations: Vec<Citation>,
        }

        let Either { cost_micro_usd, trace, task, model, adapter, citations } = Either::deserialize(deserializer)?;
        Ok(match cost_micro_usd {
            None => Self::Opening { citations },
            Some(cost_micro_usd) => Self::Closing(Additions { trace, task, model, adapter, citations, cost_micro_usd }),
        })
    }
}

/// A passage the answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Its number in the answer, from 1.
    pub n: u32,
    /// The document (`doc_...`).
    pub document: String,
    /// The document's id at its source.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The source it came from.
    #[serde(default)]
    pub source: Option<String>,
    /// The document's title.
    #[serde(default)]
    pub title: Option<String>,
    /// Where it can be read.
    #[serde(default)]
    pub url: Option<String>,
    /// Where the passage begins, in code points of the document's text.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The passage's words.
    pub quote: String,
}
