//! Chat templates: the Jinja text in a GGUF file, compiled once and rendered within limits.
//!
//! **Invariant:** the bytes of a prompt before a cut are the same whatever messages follow that cut (held by
//! `template::tests`): each cut is the common beginning with a rendering that never saw what follows. So a cached block
//! before a cut holds nothing of the messages after it.

mod cut;
mod environment;
mod messages;

use domain::Timestamp;
use minijinja::Environment;
use minijinja::value::{Serde, Value as TemplateValue};
use serde_json::{Map, Value, json};

use crate::WeightsError;
use crate::gguf::Gguf;

const WHAT: &str = "the model's chat template";
const DEFAULT: &str = "default";
const WITH_TOOLS: &str = "tool_use";

/// A compiled chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    tokens: Tokens,
    features: Features,
}

/// Texts of the control tokens that templates name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Begins a sequence.
    pub begin: String,
    /// Ends one.
    pub end: String,
}

/// What a template makes use of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// It tells the model about tools.
    pub tools: bool,
    /// It has a place for a system message.
    pub system: bool,
}

/// What is to be rendered. Messages and tools have OpenAI's shape.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conversation<'a> {
    /// The messages in order.
    pub messages: &'a [Value],
    /// The tools the model may call.
    pub tools: &'a [Value],
    /// Whether to end with the beginning of the assistant's next message.
    pub add_generation_prompt: bool,
    /// Further variables that a template may know, `enable_thinking` for example.
    pub variables: Option<&'a Map<String, Value>>,
    /// Numbers of messages, ascending: where to cut the prompt.
    pub cuts: &'a [usize],
}

/// A rendered conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The prompt.
    pub prompt: String,
    /// For each cut, how many bytes of the prompt come from the messages before it, the tools and the variables alone.
    pub ends: Vec<usize>,
}

impl ChatTemplate {
    /// The template of a model; `None` where its file has none.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when the template is no Jinja.
    pub fn from_gguf(header: &Gguf) -> Result<Option<Self>, WeightsError> {
        let Some(source) = header.text("tokenizer.chat_template") else { return Ok(None) };
        let with_tools = header.text("tokenizer.chat_template.tool_use");
        let tokens = Tokens { begin: token(header, "bos_token_id"), end: token(header, "eos_token_id") };
        Self::compile(source, with_tools, tokens).map(Some)
    }

    /// Compiles a template, and the one for conversations with tools where that is another.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when a template is no Jinja.
    pub fn compile(source: &str, with_tools: Option<&str>, tokens: Tokens) -> Result<Self, WeightsError> {
        let mut environment = environment::new()?;
        let mut add = |name: &'static str, source: &str| {
            environment
                .add_template_owned(name, environment::without_marks(source))
                .map_err(|cause| WeightsError::malformed(WHAT, format!("{cause:#}")))
        };
        add(DEFAULT, source)?;
        if let Some(with_tools) = with_tools {
            add(WITH_TOOLS, with_tools)?;
        }
        let mut template = Self { environment, tokens, features: Features::default() };
        template.features = template.probe();
        Ok(template)
    }

    /// What the template makes use of.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.features
    }

    /// Renders a conversation. `now` is what the template may print as the date.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when a message is not of OpenAI's shape or holds more than text, when the template
    /// refuses the conversation, or when it runs or writes too long.
    pub fn render(&self, conversation: &Conversation<'_>, now: Timestamp) -> Result<Rendered, WeightsError> {
        let messages = messages::prepare(conversation.messages)?;
        let run = |messages: &[Value], add_generation_prompt: bool| {
            self.run(messages, &Conversation { add_generation_prompt, ..*conversation }, now)
        };
        let prompt = run(&messages, conversation.add_generation_prompt)?;
        let ends = cut::ends(&prompt, &messages, conversation.cuts, |messages| run(messages, false));
        Ok(Rendered { prompt, ends })
    }

    fn run(&self, messages: &[Value], conversation: &Conversation<'_>, now: Timestamp) -> Result<String, WeightsError> {
        let mut context = conversation.variables.cloned().unwrap_or_default();
        let tools = if conversation.tools.is_empty() { Value::Null } else { json!(conversation.tools) };
        context.insert("messages".to_owned(), json!(messages));
        context.insert("tools".to_owned(), tools);
        context.insert("documents".to_owned(), Value::Null);
        context.insert("add_generation_prompt".to_owned(), json!(conversation.add_generation_prompt));
        context.insert("bos_token".to_owned(), json!(self.tokens.begin));
        context.insert("eos_token".to_owned(), json!(self.tokens.end));
        context.insert(environment::NOW.to_owned(), json!(now.micros()));
        let wanted = if conversation.tools.is_empty() { DEFAULT } else { WITH_TOOLS };
        let template = self.environment.get_template(wanted).or_else(|_| self.environment.get_template(DEFAULT));
        let template = template.map_err(environment::refusal)?;
        let mut output = environment::Bounded::default();
        template.render_captured_to(TemplateValue::from(Serde(context)), &mut output).map_err(environment::refusal)?;
        output.into_text()
    }

    /// Finds out by rendering.
    fn probe(&self) -> Features {
        const MARK: &str = "9c1f6e2d";
        let user = json!({"role": "user", "content": "a"});
        let tool = json!({"type": "function", "function": {"name": MARK, "description": "b", "parameters": {"type": "object", "properties": {}}}});
        let system = json!({"role": "system", "content": MARK});
        let shows_mark = |messages: &[Value], tools: &[Value]| {
            let conversation = Conversation { messages, tools, add_generation_prompt: true, ..Conversation::default() };
            self.render(&conversation, Timestamp::from_micros(0)).is_ok_and(|rendered| rendered.prompt.contains(MARK))
        };
        Features { tools: shows_mark(std::slice::from_ref(&user), &[tool]), system: shows_mark(&[system, user], &[]) }
    }
}

/// The text of the token whose number stands under a key.
fn token(header: &Gguf, key: &str) -> String {
    let id = header.get(&format!("tokenizer.ggml.{key}")).and_then(crate::gguf::Value::as_u64);
    let tokens =
        header.get("tokenizer.ggml.tokens").and_then(crate::gguf::Value::as_array).and_then(|array| array.texts());
    let place = id.and_then(|id| usize::try_from(id).ok());
    tokens.zip(place).and_then(|(tokens, place)| tokens.get(place)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests;
