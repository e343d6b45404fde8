//! Sentence embeddings: several inputs per batch, mean pooling in llama.cpp, unit length here.
//!
//! The file brings its own tokenizer; ids go in, never text, so llama.cpp needs no vocabulary.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;
use weights::gguf::GgufFile;
use weights::tokenizer::Tokenizer;

use crate::counters::Counters;
use crate::error::EngineError;
use crate::native::{Batch, Context, Model, Sequence, Token};
use crate::vocabulary::Vocabulary;

/// Most inputs of one batch.
pub(crate) const SEQUENCES: usize = 64;

/// Token lists to embed, each within the context; vectors come back in order.
pub(crate) struct EmbeddingJob {
    pub(crate) inputs: Vec<Vec<Token>>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Vec<f32>>, EngineError>>,
}

/// What the embedding thread is asked.
pub(crate) enum EmbeddingCommand {
    Embed(EmbeddingJob),
    SetThreads(u32),
    Stop,
}

/// Owns the context of an embedding model.
pub(crate) struct Embedder {
    pub(crate) context: Context,
    pub(crate) batch_tokens: usize,
    pub(crate) counters: Arc<Counters>,
}

impl Embedder {
    /// Works until it is told to stop, or nobody can send commands any more.
    pub(crate) fn run(mut self, commands: &Receiver<EmbeddingCommand>) {
        while let Ok(command) = commands.recv() {
            match command {
                EmbeddingCommand::Embed(job) => self.serve(job),
                EmbeddingCommand::SetThreads(threads) => self.context.set_threads(threads),
                EmbeddingCommand::Stop => return,
            }
        }
    }

    fn serve(&mut self, job: EmbeddingJob) {
        self.counters.waiting.subtract(1);
        self.counters.running.set(1);
        let mut vectors = vec![Vec::new(); job.inputs.len()];
        let mut result = Ok(());
        for batch in batches(&job.inputs, self.batch_tokens) {
            // Between batches is where a client that is gone costs no more.
            if job.reply.is_closed() {
                self.counters.cancelled.add(1);
                self.counters.running.set(0);
                return;
            }
            result = self.embed(&job.inputs, &batch, &mut vectors);
            if result.is_err() {
                break;
            }
        }
        self.counters.finished.add(1);
        self.counters.running.set(0);
        let _ = job.reply.send(result.map(|()| vectors));
    }

    fn embed(&mut self, inputs: &[Vec<Token>], places: &[usize], vectors: &mut [Vec<f32>]) -> Result<(), EngineError> {
        let mut batch = Batch::default();
        for (sequence, place) in (0..).zip(places) {
            for (position, token) in inputs[*place].iter().enumerate() {
                batch.add(*token, position, sequence, true);
            }
        }
        self.context
            .decode(&mut batch)
            .map_err(|failure| EngineError::Computation(format!("embedding: {failure:?}")))?;
        self.counters.steps.add(1);
        self.counters.prompt_tokens.add(batch.len());
        for (sequence, place) in (0..).zip(places) {
            vectors[*place] = unit(self.context.embedding(Sequence::from(sequence)));
        }
        Ok(())
    }
}

/// Groups inputs into batches of at most `most` tokens, inputs of similar length together.
fn batches(inputs: &[Vec<Token>], most: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|place| inputs[*place].len());
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for place in order {
        let length = inputs[place].len();
        match batches.last_mut() {
            Some(batch) if tokens + length <= most && batch.len() < SEQUENCES => batch.push(place),
            _ => {
                batches.push(vec![place]);
                tokens = 0;
            }
        }
        tokens += length;
    }
    batches
}

/// The vector scaled to length 1; a zero vector stays one.
fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "back to the precision of the input")]
    let scale = if norm > 0.0 { (1.0 / norm) as f32 } else { 0.0 };
    vector.iter().map(|value| value * scale).collect()
}

/// How an embedding model reads text.
pub(crate) enum Reader {
    /// The tokenizer the file brings.
    Own(Box<Tokenizer>),
    /// llama.cpp's vocabulary.
    Vocabulary(Arc<Vocabulary>),
}

impl Reader {
    /// The tokenizer of a file: its own, or llama.cpp's.
    pub(crate) fn of_file(path: &Path, model: &Arc<Model>) -> Result<Self, String> {
        let header = GgufFile::open(path).map_err(|error| error.to_string())?;
        match Tokenizer::from_gguf(header.header()).map_err(|error| error.to_string())? {
            Some(tokenizer) => Ok(Self::Own(Box::new(tokenizer))),
            None => Ok(Self::Vocabulary(Arc::new(Vocabulary::new(model)))),
        }
    }

    /// Token ids of a text, from the token that begins a sequence to the one that ends it.
    pub(crate) fn read(&self, text: &str) -> Result<Vec<Token>, EngineError> {
        match self {
            Self::Own(tokenizer) => {
                let ids = tokenizer.encode(text).map_err(|error| EngineError::value("input", error))?;
                Ok(ids.into_iter().filter_map(|id| Token::try_from(id).ok()).collect())
            }
            Self::Vocabulary(vocabulary) => Ok(vocabulary.tokenize(text, true, false)),
        }
    }
}

/// The vocabulary's size, whichever side knows it.
pub(crate) fn vocabulary_size(model: &Model) -> usize {
    let named = model.metadata("bert.vocab_size").and_then(|text| text.parse().ok());
    named.unwrap_or_else(|| model.vocabulary_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_input_once_within_the_bound() {
        let inputs: Vec<Vec<Token>> = [30, 5, 60, 5, 20].iter().map(|length| vec![0; *length]).collect();
        assert_eq!(batches(&inputs, 64), [vec![1, 3, 4, 0], vec![2]]);
        let many = vec![vec![0]; SEQUENCES + 1];
        assert_eq!(batches(&many, 4096).iter().map(Vec::len).collect::<Vec<_>>(), [SEQUENCES, 1]);
    }

    #[test]
    fn vectors_have_length_one() {
        assert_eq!(unit(&[3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(unit(&[0.0, 0.0]), [0.0, 0.0]);
    }
}
