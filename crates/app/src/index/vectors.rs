//! The vectors follow the full text, as fast as the embedding model makes them.

use access::{Processing, open_to_process};
use domain::{DocumentId, ErrorKind, Principal};
use models::CallContext;
use store::{IndexFailure, PassageText};
use wire::completion::Prompt;
use wire::embedding::{EmbeddingRequest, EncodingFormat, InputType};

use super::Generation;
use super::passages::changes;
use crate::app::App;
use crate::error::AppError;

/// Documents in one commit.
const AT_ONCE: u32 = 8;
/// Characters in one call of the model, so that a question in between does not wait long.
const CALL_CHARACTERS: usize = 3_000;
/// The longest text that is given to the model, characters; more is cut off.
const LONGEST_TEXT: usize = 2_400;
/// How much of a title goes before each of its passages, characters.
const TITLE: usize = 100;
/// Who waits in the model's queue.
const CALLER: &str = "index";

/// Brings the vectors forward by some changes, never beyond the full text. Answers whether there were any. A model that
/// does not answer is an error, and nothing is lost: the next time begins here.
pub(super) async fn advance(app: &App, generation: &Generation) -> Result<bool, AppError> {
    let (snapshot, vectors) = (app.snapshot(), &generation.index.vectors);
    let Some((documents, through)) = changes(app, &snapshot, vectors.stamp(), AT_ONCE).await? else {
        return Ok(false);
    };
    if through > generation.index.text.stamp() {
        return Ok(false);
    }
    let processing = Processing::of(&snapshot, app.now());
    for document in documents {
        let Some(slot) = snapshot.ordinal(document) else { continue };
        match of_document(app, generation, &processing, document).await? {
            Some((version, found)) => vectors.put(slot, version, &found)?,
            None => vectors.remove(slot)?,
        }
    }
    vectors.commit(through)?;
    Ok(true)
}

/// The vectors of a document as it is now: those that are kept, else new ones; none where it is not to be found.
async fn of_document(
    app: &App,
    generation: &Generation,
    processing: &Processing,
    document: DocumentId,
) -> Result<Option<(u32, Vec<Vec<f32>>)>, AppError> {
    let Some(sealed) = app.store.document(document).await? else { return Ok(None) };
    let Ok(about) = open_to_process(processing, sealed) else { return Ok(None) };
    let version = about.version;
    let place = (document, version);
    if let Some(kept) = app.store.vectors_of(place, &generation.model).await? {
        return Ok(open_to_process(processing, kept).ok().map(|vectors| (version, vectors.into_inner())));
    }
    let Some(sealed) = app.store.passages_of(document, version).await? else { return Ok(None) };
    let Ok(passages) = open_to_process(processing, sealed) else { return Ok(None) };
    let texts: Vec<String> = passages.iter().map(|passage| text_of(&about.about.title, passage)).collect();
    match embed(app, &generation.model, &texts).await {
        Ok(vectors) => {
            app.store.keep_vectors(place, &generation.model, &vectors).await?;
            app.store.clear_index_failures(Some(document)).await?;
            Ok(Some((version, vectors)))
        }
        Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge) => {
            let failure = IndexFailure { document, version, code: error.code().to_owned() };
            app.store.note_index_failure(&failure).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What the model sees of a passage: what it belongs to, then what it says.
fn text_of(title: &str, passage: &PassageText) -> String {
    let title: String = title.chars().take(TITLE).collect();
    let heading = passage.headings.last().map(String::as_str).unwrap_or_default();
    let context = passage.context.as_deref().unwrap_or_default();
    let parts = [title.as_str(), heading, context, passage.text.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.trim().is_empty()).collect();
    let text = parts.join("\n");
    if text.is_empty() { "-".to_owned() } else { text.chars().take(LONGEST_TEXT).collect() }
}

async fn embed(app: &App, model: &str, texts: &[String]) -> Result<Vec<Vec<f32>>, AppError> {
    let mut vectors = Vec::with_capacity(texts.len());
    let mut rest = texts;
    while !rest.is_empty() {
        let mut characters = 0;
        let fits = rest.iter().take_while(|text| {
            characters += text.chars().count();
            characters <= CALL_CHARACTERS
        });
        let (now, later) = rest.split_at(fits.count().max(1));
        vectors.extend(call(app, model, CALLER.to_owned(), (now, InputType::Passage)).await?);
        rest = later;
    }
    Ok(vectors)
}

/// The vector of a question; none where no model makes one now, which is logged.
/// It waits in the queue as its asker's, and not behind all that is being indexed.
pub(crate) async fn question_vector(
    app: &App,
    generation: &Generation,
    (asker, question): (Principal, &str),
) -> Option<Vec<f32>> {
    let question: String = question.chars().take(LONGEST_TEXT).collect();
    match call(app, &generation.model, asker.to_string(), (&[question], InputType::Query)).await {
        Ok(mut vectors) => vectors.pop(),
        Err(error) => {
            tracing::warn!(code = error.code(), "a question was searched by its words alone: no vector was made of it");
            None
        }
    }
}

/// A text that is too long for the model is halved until it is not.
async fn call(
    app: &App,
    model: &str,
    caller: String,
    (texts, input_type): (&[String], InputType),
) -> Result<Vec<Vec<f32>>, AppError> {
    let mut texts = texts.to_vec();
    loop {
        let request = EmbeddingRequest {
            model: model.to_owned(),
            input: texts.iter().cloned().map(Prompt::Text).collect(),
            encoding_format: Some(EncodingFormat::Base64),
            input_type: Some(input_type),
            ..EmbeddingRequest::default()
        };
        let context = CallContext { caller: caller.clone(), labels: Vec::new(), adapter: None };
        let answered = app.models.resolve(model)?.embeddings(&request, context).await;
        match answered {
            Ok(answered) => {
                let vectors = answered.value.data.into_iter().map(|entry| entry.embedding.decode());
                return vectors.collect::<Option<_>>().ok_or_else(no_vectors);
            }
            Err(error) if error.kind() == ErrorKind::Invalid && longest(&texts) > 200 => {
                let most = longest(&texts) / 2;
                texts = texts.iter().map(|text| text.chars().take(most).collect()).collect();
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Not the document's fault: the model is asked again later.
fn no_vectors() -> AppError {
    let message = "the embedding model answered with something else than vectors: check its upstream".to_owned();
    AppError::Unavailable { message, code: "embedding_unusable" }
}

fn longest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0)
}
