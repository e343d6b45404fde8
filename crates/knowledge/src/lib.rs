//! What an organisation's documents say: files become text with structure, and text becomes passages.
//!
//! [`parse::parse`] is pure and deterministic; [`parse::ParserProcess`] runs it in a child process, so that a file which
//! breaks a parser costs one answer and nothing else. [`chunk::chunk`] cuts the text along headings and sentences, and
//! every passage keeps its place.

pub mod chunk;
mod error;
pub mod index;
pub mod language;
pub mod lexical;
pub mod parse;
pub mod quote;
pub mod similar;
pub mod source;
pub mod vectors;

pub use error::{KnowledgeError, Measure};
