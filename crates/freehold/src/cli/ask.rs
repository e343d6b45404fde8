//! `freehold ask`: one question to a running server, the quotes that the answer rests on, the answer as it is written, then
//! the trace that was kept.

use std::io::{IsTerminal, Read, stdin};
use std::pin::pin;

use clap::Args;
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use wire::chat::ChatChunk;
use wire::freehold::{Additions, ChunkAdditions, Citation};
use wire::sse::{DONE, Decoder};

use super::door::{Door, HttpDoor, Remote};
use super::{Globals, output};
use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Ask {
    #[command(flatten)]
    remote: Remote,
    /// The question; what comes through a pipe is put below it
    question: String,
    /// The model or task that answers; `assistant` answers from what you may read [default: the server's default chat
    /// model]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What goes before the question, as a system message
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// The longest answer, in tokens
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// 0 always takes the likeliest word, 2 is wild
    #[arg(long, value_name = "0..2")]
    temperature: Option<f32>,
}

/// The longest event of a stream that is read, bytes.
const EVENT_LIMIT: usize = 16 << 20;

impl Ask {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let server = Door::running(globals, &self.remote).await?;
        let model = match &self.model {
            Some(model) => model.clone(),
            None => default_model(&server, globals).await?,
        };
        let pieces = server.stream("/v1/chat/completions", &self.body(&model)?).await?;
        let answer = read(pieces, !globals.json).await?;
        if globals.json {
            output::document(&answer.to_json());
        } else {
            output::text("\n");
            output::remark(&answer.footer());
        }
        Ok(())
    }

    fn body(&self, model: &str) -> Result<Value, FreeholdError> {
        let system = self.system.iter().map(|text| json!({"role": "system", "content": text}));
        let user = json!({"role": "user", "content": self.question()?});
        let messages: Vec<Value> = system.chain([user]).collect();
        let mut body =
            json!({"model": model, "messages": messages, "stream": true, "stream_options": {"include_usage": true}});
        if let Some(max_tokens) = self.max_tokens {
            body["max_tokens"] = max_tokens.into();
        }
        if let Some(temperature) = self.temperature {
            body["temperature"] = f64::from(temperature).into();
        }
        Ok(body)
    }

    fn question(&self) -> Result<String, FreeholdError> {
        let mut piped = String::new();
        if !stdin().is_terminal() {
            let unreadable = |_| {
                FreeholdError::usage("what comes through the pipe is not UTF-8 text", "convert it first, with iconv")
            };
            stdin().read_to_string(&mut piped).map_err(unreadable)?;
        }
        let piped = piped.trim_end();
        Ok(if piped.is_empty() { self.question.clone() } else { format!("{}\n\n{piped}", self.question) })
    }
}

/// The configured chat model where the server offers it, else the first chat model on its list.
async fn default_model(server: &HttpDoor, globals: &Globals) -> Result<String, FreeholdError> {
    let list = server.get("/v1/models").await?;
    let entries = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let chat =
        entries.iter().filter(|entry| entry["freehold"]["kind"] == "chat").filter_map(|entry| entry["id"].as_str());
    let names: Vec<&str> = chat.collect();
    let configured = globals.load(Vec::new()).map(|loaded| loaded.config.models.chat).unwrap_or_default();
    let name = names.iter().find(|name| **name == configured).or(names.first());
    name.map(|name| (*name).to_owned()).ok_or_else(|| FreeholdError::Unreachable {
        target: "a chat model".to_owned(),
        detail: "the server offers none yet".to_owned(),
        mend: "wait until its /readyz answers 200; `freehold doctor` on its machine shows what is missing".to_owned(),
    })
}

/// What an answer brought.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    additions: Additions,
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// Reads the stream to its end, showing each piece as it comes.
async fn read(
    pieces: impl Stream<Item = Result<axum::body::Bytes, FreeholdError>>,
    show: bool,
) -> Result<Answer, FreeholdError> {
    let mut pieces = pin!(pieces);
    let mut decoder = Decoder::new(EVENT_LIMIT);
    let mut answer = Answer::default();
    while let Some(piece) = pieces.next().await {
        decoder.push(&piece?);
        while let Some(event) = decoder.next_event().map_err(|error| broken(&error.to_string()))? {
            if event.data == DONE {
                return Ok(answer);
            }
            let words = answer.take(&event.data)?;
            if show {
                output::text(&harmless(&words));
            }
        }
    }
    Err(broken("the answer ended before its end"))
}

impl Answer {
    /// Takes in one event; returns what of it is shown.
    fn take(&mut self, data: &str) -> Result<String, FreeholdError> {
        let event: Value = serde_json::from_str(data).map_err(|_| broken("an event is not JSON"))?;
        if let Ok(wire::error::ErrorBody { error }) = serde_json::from_value(event.clone()) {
            let (code, message, request_id) = (error.code, error.message, error.request_id);
            return Err(FreeholdError::Refused { status: 503, code, message, request_id });
        }
        let chunk: ChatChunk =
            serde_json::from_value(event).map_err(|_| broken("an event is not a chunk of a chat"))?;
        let quotes = match chunk.freehold {
            Some(ChunkAdditions::Closing(additions)) => {
                self.additions = additions;
                String::new()
            }
            Some(ChunkAdditions::Opening { citations }) => shown(&citations),
            None => String::new(),
        };
        if let Some(usage) = chunk.usage {
            (self.prompt_tokens, self.completion_tokens) = (usage.prompt_tokens.into(), usage.completion_tokens.into());
        }
        let words: String = chunk.choices.into_iter().filter_map(|choice| choice.delta.content).collect();
        self.text.push_str(&words);
        Ok(quotes + &words)
    }

    fn to_json(&self) -> Value {
        json!({
            "answer": self.text,
            "trace": self.additions.trace,
            "model": self.additions.model,
            "citations": self.additions.citations,
            "tokens": {"prompt": self.prompt_tokens, "completion": self.completion_tokens},
        })
    }

    fn footer(&self) -> String {
        let trace = self.additions.trace.map_or_else(|| "no trace kept".to_owned(), |trace| trace.to_string());
        let model = self.additions.model.as_deref().unwrap_or("an unnamed model");
        format!("\n{trace} · {model} · {} tokens in, {} out", self.prompt_tokens, self.completion_tokens)
    }
}

/// Quotes as they are shown before the answer; nothing where there are none.
fn shown(citations: &[Citation]) -> String {
    let quote = |Citation { n, title, quote, external_id, .. }: &Citation| {
        let line = quote.split_whitespace().collect::<Vec<_>>().join(" ");
        let (title, at) = (title.as_deref().unwrap_or_default(), external_id.as_deref().unwrap_or_default());
        format!("[{n}] {title} ({at})\n    \"{line}\"\n")
    };
    let quotes: String = citations.iter().map(quote).collect();
    if quotes.is_empty() { quotes } else { quotes + "\n" }
}

/// A model's words may hold control characters that a terminal would obey.
fn harmless(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

fn broken(detail: &str) -> FreeholdError {
    FreeholdError::Unreachable {
        target: "the server".to_owned(),
        detail: detail.to_owned(),
        mend: "ask again; if it persists, look at the server's log".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_no_escape_sequence() {
        assert_eq!(harmless("a\x1b[2Jb\r\n\tc\u{9b}d\u{7}"), "a[2Jb\n\tcd");
    }

    #[test]
    fn an_error_in_a_stream_is_the_servers_word() {
        let error =
            Answer::default().take(r#"{"error": {"message": "gone", "code": "engine_restarted"}}"#).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.code(), error.exit_code()), ("gone", "engine_restarted", 4));
    }
}
