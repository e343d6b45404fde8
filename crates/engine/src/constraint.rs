//! Grammars that an answer must follow, token by token (llguidance).
//!
//! The sampler draws first and asks here afterwards: the mask over the whole vocabulary is computed only when
//! the drawn token does not fit.

mod grammar;
mod schema;

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};

pub(crate) use grammar::{ANY_OBJECT, Grammar, function_call};
pub(crate) use schema::enforceable;

use crate::native::Token;
use crate::vocabulary::Vocabulary;

/// Compiles grammars against one vocabulary.
pub(crate) struct Grammars {
    factory: ParserFactory,
}

impl Grammars {
    pub(crate) fn new(vocabulary: &Arc<Vocabulary>) -> Result<Self, String> {
        let environment: TokEnv =
            Arc::new(Tokenization { trie: trie_of(vocabulary), vocabulary: Arc::clone(vocabulary) });
        let capabilities = InferenceCapabilities::default();
        let slices = llguidance::earley::SlicedBiasComputer::general_slices();
        let mut factory = ParserFactory::new(&environment, capabilities, &slices).map_err(|error| error.to_string())?;
        factory.quiet();
        // Verbose errors would carry the answer so far.
        factory.limits_mut().verbose_errors = false;
        Ok(Self { factory })
    }

    /// A fresh constraint. The error says what llguidance cannot do.
    pub(crate) fn compile(&self, grammar: &Grammar) -> Result<Constraint, String> {
        let parser = self.factory.create_parser(TopLevelGrammar::from_lark(grammar.text().to_owned()));
        let mut matcher = Matcher::new(parser);
        if let Some(error) = matcher.get_error() {
            return Err(error);
        }
        match matcher.grammar_warnings().first() {
            Some(warning) => Err(warning.clone()),
            None => Ok(Constraint::new(matcher, grammar)),
        }
    }
}

/// The state of one answer under its grammar.
pub(crate) struct Constraint {
    matcher: Matcher,
    trigger: Option<String>,
    repeats: bool,
    /// The grammar binds the next token; else it waits for its trigger.
    active: bool,
    seen: String,
}

impl Constraint {
    fn new(matcher: Matcher, grammar: &Grammar) -> Self {
        let trigger = grammar.trigger().map(str::to_owned);
        let active = trigger.is_none();
        Self { matcher, trigger, repeats: grammar.repeats(), active, seen: String::new() }
    }

    /// Whether the grammar binds the next token.
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Takes the token if the grammar allows it next.
    pub(crate) fn accept(&mut self, token: Token) -> Result<bool, String> {
        let token = TokenId::try_from(token).unwrap_or(TokenId::MAX);
        let taken = self.matcher.try_consume_tokens(&[token]).map_err(|error| error.to_string())?;
        if self.repeats && self.matcher.is_stopped() {
            self.matcher.reset().map_err(|error| error.to_string())?;
            self.active = false;
        }
        Ok(taken == 1)
    }

    /// Sets all logits that the grammar forbids to negative infinity.
    pub(crate) fn mask(&mut self, logits: &mut [f32]) -> Result<(), String> {
        let allowed: SimpleVob = self.matcher.compute_mask_or_eos().map_err(|error| error.to_string())?;
        for (word, block) in allowed.as_slice().iter().zip(logits.chunks_mut(32)) {
            if *word == u32::MAX {
                continue;
            }
            for (bit, logit) in block.iter_mut().enumerate() {
                if word & (1 << bit) == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        Ok(())
    }

    /// Whether the grammar has ended and with it the answer.
    pub(crate) fn is_complete(&self) -> bool {
        self.active && self.matcher.is_stopped()
    }

    /// Tells a waiting constraint about more of the answer. Once the trigger has appeared the grammar binds what
    /// follows it; what came along in the same token is returned, to be taken in as tokens.
    pub(crate) fn watch(&mut self, text: &str) -> Option<String> {
        let trigger = self.trigger.as_deref().filter(|_| !self.active)?;
        self.seen.push_str(text);
        if let Some(place) = self.seen.find(trigger) {
            let rest = self.seen.split_off(place + trigger.len());
            self.active = true;
            self.seen.clear();
            return Some(rest);
        }
        let keep = self.seen.len().saturating_sub(trigger.len());
        let keep = (0..=keep).rev().find(|place| self.seen.is_char_boundary(*place)).unwrap_or(0);
        self.seen.drain(..keep);
        None
    }
}

/// Token bytes as a tree. A control token is marked, so that no text can match it.
fn trie_of(vocabulary: &Vocabulary) -> TokTrie {
    let ids = || 0..Token::try_from(vocabulary.len()).unwrap_or(Token::MAX);
    let words: Vec<Vec<u8>> = ids()
        .map(|token| {
            let bytes = vocabulary.bytes(token);
            match vocabulary.is_control(token) || vocabulary.ends_answer(token) {
                true => [&[TokTrie::SPECIAL_TOKEN_MARKER], bytes].concat(),
                false => bytes.to_vec(),
            }
        })
        .collect();
    let ending: Vec<TokenId> =
        vocabulary.ending_tokens().iter().filter_map(|token| TokenId::try_from(*token).ok()).collect();
    let first = ending.first().copied().unwrap_or(0);
    let trie = TokTrie::from(&TokRxInfo::new(u32::try_from(words.len()).unwrap_or(0), first), &words);
    if ending.is_empty() { trie } else { trie.with_eos_tokens(&ending) }
}

/// What llguidance needs of a tokenizer.
struct Tokenization {
    trie: TokTrie,
    vocabulary: Arc<Vocabulary>,
}

impl TokenizerEnv for Tokenization {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| {
            let tokens = self.vocabulary.tokenize(text, false, false);
            tokens.into_iter().filter_map(|token| TokenId::try_from(token).ok()).collect()
        })
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
