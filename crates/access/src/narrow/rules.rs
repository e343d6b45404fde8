//! What is registered: sealed matters, canaries, and which forms are guarded from whom.

use std::collections::BTreeSet;

use domain::{ErrorKind, ListToken};
use serde::{Deserialize, Serialize};

use super::detect::Detector;
use super::terms::Terms;
use crate::shown::FingerprintKey;

/// What those outside of a sealed matter get of a passage that speaks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outside {
    /// Nothing of it.
    #[default]
    Withhold,
    /// All but the terms. What stands around a name can tell whose it is.
    Redact,
}

/// Something that only some may know of, by the words that give it away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// What rules, records and totals call it.
    pub id: String,
    /// Names and terms in any script. Case, width, marks on letters, punctuation and the length of white space do not
    /// count. A term stands for whole words; in scripts that do not set words apart, wherever it occurs. With `*` at the
    /// end, for words that begin so: inflected forms are otherwise terms of their own.
    pub terms: BTreeSet<String>,
    /// Who may know of it, as a list names people.
    pub inside: BTreeSet<ListToken>,
    /// What everybody else gets.
    #[serde(default)]
    pub outside: Outside,
    /// How many distinct passages that speak of it one recipient who is inside may draw; none: any number.
    #[serde(default)]
    pub most_passages: Option<u32>,
}

/// A text that was put somewhere to be noticed where it should never appear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// What rules and records call it.
    pub id: String,
    /// The text, found as a term is.
    pub text: String,
}

/// A form that is taken out for all but some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// What is looked for.
    pub detector: Detector,
    /// Who gets it all the same.
    #[serde(default)]
    pub inside: BTreeSet<ListToken>,
}

/// Why rules were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFlaw {
    /// A term or canary that would be found nowhere or everywhere.
    #[error("'{id}' has a term without a letter or digit: take it out, or write what is to be found")]
    NoLetters {
        /// The matter or canary.
        id: String,
    },
    /// Two matters or two canaries of one id: their totals would be one.
    #[error("'{id}' is there twice: give each its own id")]
    Repeated {
        /// The id.
        id: String,
    },
}

impl RuleFlaw {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// What a term belongs to, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Matter(usize),
    Canary(usize),
}

/// Everything that is registered, ready to be looked for.
#[derive(Debug, Clone)]
pub struct Rules {
    matters: Vec<Matter>,
    canaries: Vec<Canary>,
    guards: Vec<Guard>,
    key: FingerprintKey,
    terms: Terms,
}

impl Rules {
    /// Makes them ready. Marks of passages that were drawn are made under the key.
    ///
    /// # Errors
    /// [`RuleFlaw`], where one of them could not work.
    pub fn new(
        matters: Vec<Matter>,
        canaries: Vec<Canary>,
        guards: Vec<Guard>,
        key: FingerprintKey,
    ) -> Result<Self, RuleFlaw> {
        each_once(matters.iter().map(|matter| &matter.id))?;
        each_once(canaries.iter().map(|canary| &canary.id))?;
        let mut terms = Terms::default();
        for (number, matter) in matters.iter().enumerate() {
            for term in &matter.terms {
                add(&mut terms, Subject::Matter(number), &matter.id, term)?;
            }
        }
        for (number, canary) in canaries.iter().enumerate() {
            add(&mut terms, Subject::Canary(number), &canary.id, &canary.text)?;
        }
        terms.finish();
        Ok(Self { matters, canaries, guards, key, terms })
    }

    pub(super) fn matters(&self) -> &[Matter] {
        &self.matters
    }

    pub(super) fn canaries(&self) -> &[Canary] {
        &self.canaries
    }

    pub(super) fn guards(&self) -> &[Guard] {
        &self.guards
    }

    pub(super) const fn key(&self) -> &FingerprintKey {
        &self.key
    }

    pub(super) const fn terms(&self) -> &Terms {
        &self.terms
    }
}

fn each_once<'i>(ids: impl Iterator<Item = &'i String>) -> Result<(), RuleFlaw> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(RuleFlaw::Repeated { id: id.clone() });
        }
    }
    Ok(())
}

fn add(terms: &mut Terms, subject: Subject, id: &str, term: &str) -> Result<(), RuleFlaw> {
    match terms.add(subject, term) {
        true => Ok(()),
        false => Err(RuleFlaw::NoLetters { id: id.to_owned() }),
    }
}
