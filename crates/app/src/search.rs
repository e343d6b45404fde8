//! Search on behalf of a person: what the company knows, as far as who asks may read it.
//!
//! The visible set is fixed first and goes into both rankings by value; what they find is opened again, by the rights of
//! the moment, before it leaves. Near-duplicates are collapsed after that, among what the asker may read.

mod narrowing;
mod question;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use access::{Access, Checked, Snapshot, VisibleSet, open};
use domain::{Action, Capture, DocumentId, Provenance, Resource, Source, SourceId};
use knowledge::index::{PassageKey, fuse};
use knowledge::similar::Shape;
use serde::Serialize;
use store::{PassageName, StoredPassage};
use utoipa::ToSchema;

use crate::app::App;
use crate::decisions;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::index::{Generation, question_vector};
use crate::need_to_know;
use narrowing::Narrowing;
use question::Question;

pub use question::{Ranking, SearchRequest};

/// Each ranking gives so many more than asked for: some are twins, some are refused at the last moment.
const SPARE: usize = 3;
/// And at least so many, so that both rankings have something to agree on.
const FEWEST: usize = 50;
/// Passages that are read beyond those asked for, before more of them are.
const AT_ONCE: usize = 5;

/// What leads one ranking counts for so much of what is best in both.
const BESIDE_THE_BEST: f32 = 0.99;

/// Two rankings as one, and what leads each.
struct Ranked {
    fused: Vec<(PassageKey, f32)>,
    leaders: Vec<PassageKey>,
}

/// What was found, best first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SearchAnswer {
    /// The passages.
    pub passages: Vec<FoundPassage>,
    /// The epoch of rights at which they were given.
    pub epoch: u64,
    /// How it was searched: `text`, and `vectors` where the embedding model made one of the question.
    pub searched: Vec<String>,
}

/// A passage that the asker may read.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FoundPassage {
    /// Its document.
    #[schema(value_type = String)]
    pub document: DocumentId,
    /// Which version of that, from 1.
    pub version: u32,
    /// The document's id at its source.
    pub external_id: String,
    /// Where that comes from.
    #[schema(value_type = String)]
    pub source: SourceId,
    /// The document's title.
    pub title: String,
    /// Where people find it.
    pub url: Option<String>,
    /// What the passage says.
    pub text: String,
    /// The higher, the better; of this answer alone.
    pub score: f32,
    /// Where the passage begins in the document's text, code points.
    pub start: u32,
    /// Where it ends, code points.
    pub end: u32,
    /// The headings above it, the highest first.
    pub headings: Vec<String>,
    /// The page, sheet or slide on which it begins, from 1.
    pub page: Option<u32>,
}

/// The passages that answer a question best, of those that the asker may read.
///
/// # Errors
/// The question or what narrows it is wrong, or there is no index.
pub async fn search(app: &App, asker: &Asker, request: SearchRequest) -> Result<SearchAnswer, AppError> {
    let question = Question::read(request)?;
    let serving = app.index()?.serving();
    let access = asker.access(app);
    let narrowing = Narrowing::of(app, &access.visible(Action::Read), &question).await?;
    let vector = vector_of(app, &serving, &access, &question).await;
    if vector.is_none() && !question.by_text {
        let message = "the embedding model does not answer: search by `text`, or try again".to_owned();
        return Err(AppError::Unavailable { message, code: "no_embedding_model" });
    }
    let searched: Vec<&str> =
        question.by_text.then_some("text").into_iter().chain(vector.as_ref().map(|_| "vectors")).collect();
    let ranked = rank(app, &serving, (access.visible(Action::Read), narrowing), (&question, vector)).await?.fused;
    let found = gathered(app, asker, ranked, question.limit).await?;
    let shown = found.iter().map(|passage| (passage.provenance(), passage.text.clone())).collect();
    app.shown.remember(app, asker.caller.principal(), shown).await?;
    let (passages, epoch) = released(app, asker, found).await?;
    Ok(SearchAnswer { passages, epoch, searched: searched.into_iter().map(str::to_owned).collect() })
}

/// The passages that answer any of these texts best, of those that the asker may read: each way to ask the same counts. What
/// leads one ranking comes first too: who names a number gets what has it, whatever else both rankings agree on.
///
/// # Errors
/// A text is empty or too long, or there is no index.
pub(crate) async fn passages(
    app: &App,
    asker: &Asker,
    texts: Vec<String>,
    limit: usize,
) -> Result<Vec<FoundPassage>, AppError> {
    let serving = app.index()?.serving();
    let access = asker.access(app);
    let mut scores: HashMap<PassageKey, f32> = HashMap::new();
    let mut leaders: Vec<PassageKey> = Vec::new();
    for query in texts {
        let limit = u32::try_from(limit).ok();
        let question = Question::read(SearchRequest { query, limit, ..SearchRequest::default() })?;
        let visible = access.visible(Action::Read);
        let narrowing = Narrowing::of(app, &visible, &question).await?;
        let vector = vector_of(app, &serving, &access, &question).await;
        let ranked = rank(app, &serving, (visible, narrowing), (&question, vector)).await?;
        for (key, score) in ranked.fused {
            *scores.entry(key).or_default() += score;
        }
        leaders.extend(ranked.leaders);
    }
    let best = scores.values().copied().fold(0.0, f32::max);
    for leader in leaders {
        scores.entry(leader).and_modify(|score| *score = score.max(best * BESIDE_THE_BEST));
    }
    let mut ranked: Vec<(PassageKey, f32)> = scores.into_iter().collect();
    ranked.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
    let found = gathered(app, asker, ranked, limit).await?;
    Ok(released(app, asker, found).await?.0)
}

/// The question as a vector, where it is to be searched for in that way and the embedding model answers.
async fn vector_of(app: &App, serving: &Generation, access: &Access, question: &Question) -> Option<Vec<f32>> {
    match question.by_vectors {
        true => question_vector(app, serving, (access.principal(), &question.text)).await,
        false => None,
    }
}

/// Both rankings as one, over what is visible alone.
async fn rank(
    app: &App,
    serving: &Arc<Generation>,
    (visible, narrowing): (VisibleSet, Narrowing),
    (question, vector): (&Question, Option<Vec<f32>>),
) -> Result<Ranked, AppError> {
    let (serving, public) = (serving.clone(), app.index()?.public());
    let (text, limit) = (question.text.clone(), (question.limit * SPARE).max(FEWEST));
    let by_words = question.by_text;
    let ranked = tokio::task::spawn_blocking(move || {
        let allowed = |slot: u32| visible.sees(slot) && narrowing.takes(slot);
        let by_text = match by_words {
            true => serving.text_ranking(&text, &allowed, &public, limit)?,
            false => Vec::new(),
        };
        let by_vector = match vector {
            Some(vector) => serving.vector_ranking(&vector, &allowed, limit)?,
            None => Vec::new(),
        };
        let leaders = by_text.first().map(|(key, _)| key).into_iter().chain(by_vector.first()).copied().collect();
        Ok::<_, AppError>(Ranked { fused: fuse(&by_text, &by_vector), leaders })
    });
    ranked.await.map_err(|_| AppError::ShuttingDown)?
}

/// What is left of what was found, best first, each thing once: opened, and narrowed by need to know.
async fn gathered(
    app: &App,
    asker: &Asker,
    ranked: Vec<(PassageKey, f32)>,
    limit: usize,
) -> Result<Vec<FoundPassage>, AppError> {
    let (mut found, mut shapes): (Vec<FoundPassage>, Vec<Shape>) = (Vec::new(), Vec::new());
    let (mut parts, mut candidates) = (ranked.chunks(limit + AT_ONCE), VecDeque::new());
    while found.len() < limit {
        if candidates.is_empty() {
            let Some(part) = parts.next() else { break };
            candidates = opened(app, asker, part).await?.into();
        }
        // What is taken away leaves its place to the next, and takes no twin of it along.
        let fresh = candidates.drain(..candidates.len().min(limit - found.len()));
        let fresh = fresh.map(|(stored, score)| FoundPassage::of(stored, score)).collect();
        for passage in narrowed(app, &asker.access(app), fresh).await? {
            let shape = Shape::of(&passage.text);
            if !shapes.iter().any(|other| other.resembles(&shape)) {
                shapes.push(shape);
                found.push(passage);
            }
        }
    }
    Ok(found)
}

/// All of that took a while: what leaves is what may leave now. The decision is recorded.
async fn released(app: &App, asker: &Asker, found: Vec<FoundPassage>) -> Result<(Vec<FoundPassage>, u64), AppError> {
    let snapshot = app.snapshot();
    let access = Access::of(&snapshot, &asker.caller, asker.purpose.as_deref(), app.now());
    let may = |found: &FoundPassage| {
        is_current(&snapshot, found.document, found.version)
            && access.may(Action::Read, found.document, found.version).allowed
    };
    let found: Vec<FoundPassage> = found.into_iter().filter(may).collect();
    record(app, asker, &snapshot, &found).await?;
    Ok((found, snapshot.epoch()))
}

/// What is left of each by the rules of need to know.
async fn narrowed(app: &App, access: &Access, found: Vec<FoundPassage>) -> Result<Vec<FoundPassage>, AppError> {
    let things = found.iter().map(FoundPassage::words).collect();
    let left = need_to_know::narrowed(app, access, things).await?;
    Ok(found.into_iter().zip(left).filter_map(|(found, left)| found.with_words(left?)).collect())
}

/// Passages that the asker may read, in their order, each with its score.
async fn opened(app: &App, asker: &Asker, ranked: &[(PassageKey, f32)]) -> Result<Vec<(StoredPassage, f32)>, AppError> {
    let snapshot = app.snapshot();
    let named = ranked.iter().filter_map(|(PassageKey { slot, version, number }, score)| {
        let document = snapshot.document(*slot).filter(|document| is_current(&snapshot, *document, *version))?;
        Some((PassageName { document, version: *version, number: *number }, *score))
    });
    let (names, scores): (Vec<PassageName>, HashMap<PassageName, f32>) =
        named.map(|(name, score)| (name, (name, score))).unzip();
    let sealed = app.store.passages(&names).await?;
    let access = asker.access(app);
    let opened = sealed.into_iter().filter_map(|sealed| open(&access, sealed).ok()).map(Checked::into_inner);
    let scored = |stored: StoredPassage| {
        let score = scores.get(&stored.name).copied().unwrap_or_default();
        (stored, score)
    };
    Ok(opened.map(scored).collect())
}

fn is_current(snapshot: &Snapshot, document: DocumentId, version: u32) -> bool {
    let is_live = snapshot.ordinal(document).and_then(|ordinal| snapshot.class_of(ordinal)).is_some();
    is_live && snapshot.version(document) == Some(version)
}

/// Who was shown what; where nothing was found, nobody was, and capture `none` keeps nothing.
async fn record(app: &App, asker: &Asker, snapshot: &Snapshot, found: &[FoundPassage]) -> Result<(), AppError> {
    let mut provenance = Provenance::default();
    for passage in found {
        provenance.extend(&passage.provenance());
    }
    if found.is_empty() || asker.capture() == Capture::None {
        return Ok(());
    }
    let resource = Resource::Passages { provenance, facts: Vec::new() };
    let decision = decisions::decide_at(app, snapshot, decisions::question(asker, Action::Read, resource));
    Ok(app.store.record_decision(&decision).await?)
}

impl FoundPassage {
    /// What it was made from.
    pub(crate) fn provenance(&self) -> Provenance {
        let mut provenance = Provenance::default();
        provenance.add(Source::Document { document: self.document, version: self.version });
        provenance
    }

    /// Everything in it that somebody wrote.
    fn words(&self) -> Vec<String> {
        let url = self.url.clone().unwrap_or_default();
        let first = [self.title.clone(), self.text.clone(), self.external_id.clone(), url];
        first.into_iter().chain(self.headings.iter().cloned()).collect()
    }

    /// The same with these words instead, in their order.
    fn with_words(self, words: Vec<String>) -> Option<Self> {
        let mut words = words.into_iter();
        let [title, text, external_id, url] = [words.next()?, words.next()?, words.next()?, words.next()?];
        Some(Self { title, text, external_id, url: self.url.map(|_| url), headings: words.collect(), ..self })
    }

    fn of(stored: StoredPassage, score: f32) -> Self {
        let StoredPassage { name, about, passage } = stored;
        Self {
            document: name.document,
            version: name.version,
            external_id: about.external_id,
            source: about.source,
            title: about.about.title,
            url: about.about.url,
            text: passage.text,
            score,
            start: passage.start,
            end: passage.end,
            headings: passage.headings,
            page: passage.page,
        }
    }
}
