//! Parts of a message item: words in, words out, and refusals.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::chat::TopLogprob;
use crate::strict::{Text, at};

/// A part of a message item. Images, audio and files are refused by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Words from outside the model.
    InputText {
        /// The words.
        text: String,
    },
    /// Words of the model.
    OutputText {
        /// The words.
        text: String,
        /// Marks on the words, kept as they were sent.
        annotations: Vec<Value>,
        /// Log-probabilities, where asked for.
        logprobs: Vec<TextLogprob>,
    },
    /// The model's words of refusal.
    Refusal {
        /// The words.
        refusal: String,
    },
}

impl Part {
    /// Words of the model without marks.
    pub fn output(text: impl Into<String>) -> Self {
        Self::OutputText { text: text.into(), annotations: Vec::new(), logprobs: Vec::new() }
    }

    /// The words of the part.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::InputText { text } | Self::OutputText { text, .. } => text,
            Self::Refusal { refusal } => refusal,
        }
    }

    /// The same with other words. Marks and log-probabilities of words that are no longer there go.
    #[must_use]
    pub fn with_text(self, words: String) -> Self {
        match self {
            same if same.text() == words => same,
            Self::InputText { .. } => Self::InputText { text: words },
            Self::OutputText { .. } => Self::output(words),
            Self::Refusal { .. } => Self::Refusal { refusal: words },
        }
    }
}

/// One token of the text and the likeliest at its place (natural logarithm).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextLogprob {
    /// The token as text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Its bytes, exact.
    #[serde(default)]
    pub bytes: Vec<u8>,
    /// The likeliest tokens at this place, likeliest first.
    #[serde(default)]
    pub top_logprobs: Vec<TopLogprob>,
}

#[derive(Deserialize)]
struct AnyPart {
    #[serde(rename = "type")]
    kind: PartKind,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    annotations: Option<Vec<Value>>,
    #[serde(default)]
    logprobs: Option<Vec<TextLogprob>>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(PartialEq, Eq)]
enum PartKind {
    InputText,
    OutputText,
    Refusal,
}

impl<'de> Deserialize<'de> for PartKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Text::deserialize(deserializer)?.0.as_ref() {
            "input_text" => Ok(Self::InputText),
            "output_text" => Ok(Self::OutputText),
            "refusal" => Ok(Self::Refusal),
            "input_image" => Err(de::Error::custom("images are not accepted; send `input_text` parts only")),
            "input_audio" => Err(de::Error::custom("audio is not accepted; send `input_text` parts only")),
            "input_file" => {
                Err(de::Error::custom("files are not accepted here; send their text in `input_text` parts"))
            }
            _ => Err(de::Error::custom("expected `input_text`, `output_text` or `refusal`")),
        }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let part = AnyPart::deserialize(deserializer)?;
        part.refuse_foreign_fields()?;
        let AnyPart { kind, text, annotations, logprobs, refusal } = part;
        let (words, field) = if let PartKind::Refusal = kind { (refusal, "refusal") } else { (text, "text") };
        let words = words.ok_or_else(|| de::Error::missing_field(field))?;
        Ok(match kind {
            PartKind::InputText => Self::InputText { text: words },
            PartKind::Refusal => Self::Refusal { refusal: words },
            PartKind::OutputText => Self::OutputText {
                text: words,
                annotations: annotations.unwrap_or_default(),
                logprobs: logprobs.unwrap_or_default(),
            },
        })
    }
}

impl AnyPart {
    fn refuse_foreign_fields<E: de::Error>(&self) -> Result<(), E> {
        use PartKind::{InputText, OutputText, Refusal};
        let fields: [(&str, bool, &[PartKind]); 4] = [
            ("text", self.text.is_some(), &[InputText, OutputText]),
            ("annotations", self.annotations.is_some(), &[OutputText]),
            ("logprobs", self.logprobs.is_some(), &[OutputText]),
            ("refusal", self.refusal.is_some(), &[Refusal]),
        ];
        match fields.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&self.kind)) {
            Some((field, _, _)) => Err(at(field, "it belongs to another type of part")),
            None => Ok(()),
        }
    }
}
