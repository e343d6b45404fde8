//! HTML: what a reader would see, by tags alone. No tree is built, so that depth costs nothing.
//! INVARIANT: time and memory are linear in the length of the page, however its tags are nested.

mod tables;
mod walk;

use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};

use super::decode;
use super::draft::Draft;
use super::format::Declared;
use crate::KnowledgeError;
use walk::Walk;

/// How far a page's own statement of its encoding is looked for.
const CHARSET_WITHIN: usize = 2048;

/// Reads an HTML page.
pub(super) fn read(bytes: &[u8], declared: &Declared, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let own = own_charset(bytes);
    let text = decode::text(bytes, declared.charset().or(own.as_deref()), draft);
    fragment(&text, draft)
}

/// Reads a piece of HTML.
pub(super) fn fragment(html: &str, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut walk = Walk::new(draft);
    let mut outcome = Ok(());
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
        // The tokenizer can be stopped by a value only.
        outcome = walk.step(event);
        outcome.is_err().then_some(())
    });
    emitter.naively_switch_states(true);
    let _stopped = Tokenizer::new_with_emitter(html, emitter).next();
    outcome?;
    walk.finish()
}

/// What `<meta charset=...>` says, in either of its forms.
fn own_charset(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..CHARSET_WITHIN).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|character: char| !character.is_ascii_alphanumeric() && !"-_:".contains(character));
    label.get(..end.unwrap_or(label.len())).map(str::to_owned)
}
