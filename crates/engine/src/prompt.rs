//! From messages to labelled tokens: through the model's chat template, with the label of each message on the
//! tokens it brought.
//!
//! **Invariant:** a token carries a message's shared label only where it is certain that the token came from that
//! message or from the template's own text; all else is private to the request and never cached.

mod align;
mod message;
mod segments;

use std::ops::Range;

use domain::Timestamp;
use serde_json::{Value, json};
use weights::template::{ChatTemplate, Tokens};
use wire::chat::{Message, Tool};
use wire::engine::LabelSpan;

use crate::error::EngineError;
use crate::history::{History, Label};
use crate::native::{Model, Token};
use crate::tools::Style;
use crate::vocabulary::Vocabulary;
use segments::Segment;

/// A message and the label the door gave it.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    pub(crate) message: Message,
    pub(crate) label: Label,
}

/// What a prompt is made from.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) messages: Vec<Labelled>,
    /// Functions the template shall describe.
    pub(crate) tools: Vec<Tool>,
    /// The label of the functions.
    pub(crate) preamble: Label,
    /// The label of what cannot be told apart.
    pub(crate) private: Label,
    /// Whether the assistant's turn is opened at the end.
    pub(crate) open_turn: bool,
    /// What the template may print as the date.
    pub(crate) now: Timestamp,
    /// Whether every message gets a span of its own, also between equal labels.
    pub(crate) every_span: bool,
}

/// A prompt as text and as tokens.
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) history: History,
    pub(crate) spans: Vec<LabelSpan>,
}

/// The model's chat template and what it knows.
pub(crate) struct Composer {
    template: ChatTemplate,
    style: Option<Style>,
}

impl Composer {
    /// The template in the model's file; none where it has none.
    pub(crate) fn of_model(model: &Model, vocabulary: &Vocabulary) -> Result<Option<Self>, String> {
        let Some(source) = model.metadata("tokenizer.chat_template") else { return Ok(None) };
        let with_tools = model.metadata("tokenizer.chat_template.tool_use");
        let (begin, end) = vocabulary.marker_texts();
        let tokens = Tokens { begin, end };
        let template =
            ChatTemplate::compile(&source, with_tools.as_deref(), tokens).map_err(|error| error.to_string())?;
        let shown = with_tools.as_deref().unwrap_or(&source);
        let style = Style::of_template(shown).filter(|_| template.features().tools);
        Ok(Some(Self { template, style }))
    }

    /// The form of calls the template teaches.
    pub(crate) fn style(&self) -> Option<Style> {
        self.style
    }

    /// Whether the template has a place for system messages.
    pub(crate) fn knows_system(&self) -> bool {
        self.template.features().system
    }

    /// Renders and tokenizes a conversation.
    pub(crate) fn compose(&self, conversation: &Conversation, vocabulary: &Vocabulary) -> Result<Prompt, EngineError> {
        let text = self.render(conversation, conversation.messages.len(), conversation.open_turn)?;
        let contents = message::places(&text, &conversation.messages);
        let places = conversation.messages.iter().zip(&contents);
        let forging = |(labelled, place): (&Labelled, &Option<Range<usize>>)| {
            place.is_none() && vocabulary.names_control(&labelled.message.text())
        };
        if places.into_iter().any(forging) {
            // The template changed the words, so that they cannot be told from its own markers: break the names.
            let mut safe = conversation.clone();
            message::break_control_names(&mut safe.messages, vocabulary);
            return self.compose(&safe, vocabulary);
        }
        let prefix = |count: usize| self.render(conversation, count, false).ok();
        let segments = segments::of(&text, conversation, prefix);
        let tokens = tokenize(&text, &contents, vocabulary);
        Ok(put_labels(text, &tokens, &segments, &conversation.private, vocabulary))
    }

    /// The text of the first `count` messages.
    fn render(&self, conversation: &Conversation, count: usize, open_turn: bool) -> Result<String, EngineError> {
        let messages = conversation.messages.iter().take(count);
        let messages: Vec<Value> = messages.map(|labelled| message::for_template(&labelled.message)).collect();
        let tools: Vec<Value> = conversation.tools.iter().map(|tool| json!(tool)).collect();
        let wanted = weights::template::Conversation {
            messages: &messages,
            tools: &tools,
            add_generation_prompt: open_turn,
            ..weights::template::Conversation::default()
        };
        let rendered = self.template.render(&wanted, conversation.now);
        rendered.map(|rendered| rendered.prompt).map_err(|error| EngineError::value("messages", error))
    }
}

/// Tokens of a prompt. Names of control tokens count as such in the template's text and never in a message's.
fn tokenize(text: &str, contents: &[Option<Range<usize>>], vocabulary: &Vocabulary) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = 0;
    for range in contents.iter().flatten().filter(|range| vocabulary.names_control(&text[(*range).clone()])) {
        tokens.extend(vocabulary.tokenize(&text[start..range.start], false, true));
        tokens.extend(vocabulary.tokenize(&text[range.clone()], false, false));
        start = range.end;
    }
    tokens.extend(vocabulary.tokenize(&text[start..], false, true));
    if let Some(opening) = vocabulary.opening_token().filter(|opening| tokens.first() != Some(opening)) {
        tokens.insert(0, opening);
    }
    tokens
}

/// Gives each token the label of the segment that it lies in whole.
fn put_labels(
    text: String,
    tokens: &[Token],
    segments: &[Segment],
    private: &Label,
    vocabulary: &Vocabulary,
) -> Prompt {
    let places = align::token_places(tokens, &text, vocabulary);
    let (mut history, mut spans) = (History::default(), Vec::<LabelSpan>::new());
    for (number, token) in (0_u32..).zip(tokens) {
        let place = places.as_ref().and_then(|places| places.get(usize::try_from(number).unwrap_or(usize::MAX)));
        let segment = place.and_then(|place| segments.iter().find(|segment| segment.holds(place)));
        history.extend(&[*token], segment.map_or(private, |segment| &segment.label));
        let message = segment.and_then(|segment| segment.message);
        match spans.last_mut() {
            Some(span) if span.message == message => span.end = number + 1,
            _ => spans.push(LabelSpan { message, start: number, end: number + 1 }),
        }
    }
    Prompt { text, history, spans }
}
