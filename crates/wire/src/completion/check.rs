//! Rules of a completion request beyond the shape of its fields.

use crate::completion::{CompletionRequest, Prompt};
use crate::rules::{self, Sampling, Verdict};
use crate::strict::InvalidParameter;

/// Most answers to one request, prompts times `n`.
const MAX_ANSWERS: usize = 128;

impl CompletionRequest {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        rules::model(&self.model)?;
        self.check_prompts()?;
        self.sampling().check()?;
        rules::within("logprobs", self.logprobs, 0..=5)?;
        if self.echo != Some(true) {
            rules::token_limit("max_tokens", self.max_tokens)?;
        }
        self.check_best_of()?;
        let obfuscation = self.stream_options.as_ref().and_then(|options| options.include_obfuscation);
        rules::stream_options(self.stream_options.is_some(), self.streams(), obfuscation)?;
        rules::user(self.user.as_ref())
    }

    fn check_prompts(&self) -> Verdict {
        inputs("prompt", &self.prompt)?;
        let answers = self.prompt.len().saturating_mul(self.n.unwrap_or(1) as usize);
        rules::at_most("prompt", answers, MAX_ANSWERS, "answers in all (prompts times `n`)")
    }

    fn check_best_of(&self) -> Verdict {
        match self.best_of {
            None | Some(1) => Ok(()),
            Some(_) => {
                Err(InvalidParameter::unsupported("best_of", "only 1 is offered; ask for `n` answers and choose"))
            }
        }
    }

    fn sampling(&self) -> Sampling<'_> {
        Sampling {
            n: self.n,
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            stop: self.stop.as_ref(),
            logit_bias: self.logit_bias.as_ref(),
        }
    }
}

/// Inputs of completions and embeddings: at least one, none empty.
pub(crate) fn inputs(param: &str, inputs: &[Prompt]) -> Verdict {
    if inputs.is_empty() {
        return Err(InvalidParameter::value(param, "expected at least one text or list of tokens"));
    }
    let is_empty = |input: &Prompt| match input {
        Prompt::Text(text) => text.is_empty(),
        Prompt::Tokens(tokens) => tokens.is_empty(),
    };
    match inputs.iter().position(is_empty) {
        Some(0) if inputs.len() == 1 => Err(InvalidParameter::value(param, "it is empty")),
        Some(index) => Err(InvalidParameter::value(format_args!("{param}[{index}]"), "it is empty")),
        None => Ok(()),
    }
}
