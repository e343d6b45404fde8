//! A mail: its subject, who wrote to whom, its text, and every attachment of a format that is read here.
//! INVARIANT: an attachment that cannot be read is a warning, and the rest of the mail is read.

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::document::{BlockKind, Warning};
use super::draft::Draft;
use super::format::{Declared, Format};
use super::{html, plain, read_into, title};
use crate::{KnowledgeError, Measure};

/// Messages inside of messages are taken apart one inside the other, and this many at most: far more than any limit on
/// depth lets through.
const MOST_MESSAGES: usize = 1_000;

/// Reads a mail.
pub(super) fn read(bytes: &[u8], draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let inside = count(bytes, b"message/") + count(bytes, b"multipart/digest");
    if inside > MOST_MESSAGES {
        return Err(KnowledgeError::TooLarge { what: Measure::Depth, limit: draft.limits().max_depth.into() });
    }
    let mail = MessageParser::default().parse(bytes);
    let mail = mail.ok_or_else(|| KnowledgeError::malformed(Format::Eml, "it has no headers"))?;
    message(&mail, draft)
}

fn count(bytes: &[u8], words: &[u8]) -> usize {
    bytes.windows(words.len()).filter(|window| window.eq_ignore_ascii_case(words)).count()
}

fn message(mail: &Message<'_>, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let subject = mail.subject().unwrap_or_default();
    draft.propose_title(subject);
    draft.push(BlockKind::Heading(1), &title::clean(subject).unwrap_or_default())?;
    draft.push(BlockKind::Paragraph, &letterhead(mail))?;
    body(mail, draft)?;
    for (part, number) in mail.attachments().zip(1..) {
        attachment(part, number, draft)?;
    }
    Ok(())
}

/// Who wrote to whom, and when.
fn letterhead(mail: &Message<'_>) -> String {
    let mut lines = Vec::new();
    for (name, address) in [("From", mail.from()), ("To", mail.to()), ("Cc", mail.cc())] {
        if let Some(people) = address.map(people).filter(|people| !people.is_empty()) {
            lines.push(format!("{name}: {people}"));
        }
    }
    lines.extend(mail.date().map(|date| format!("Date: {}", date.to_rfc3339())));
    lines.join("\n")
}

fn people(address: &Address<'_>) -> String {
    let each = address.iter().filter_map(|person| {
        let name = person.name().and_then(title::clean);
        match (name, person.address().and_then(title::clean)) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (name, address) => name.or(address),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The plain form where the mail has one, else what its HTML shows.
fn body(mail: &Message<'_>, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    for part in mail.text_bodies() {
        match &part.body {
            PartType::Text(text) => plain::paragraphs(text, draft)?,
            PartType::Html(text) => html::fragment(text, draft)?,
            _ => {}
        }
    }
    Ok(())
}

fn attachment(part: &MessagePart<'_>, number: u32, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    // Pictures that stand in the text are no documents of their own.
    if matches!(part.body, PartType::InlineBinary(_)) && part.attachment_name().is_none() {
        return Ok(());
    }
    let name = part.attachment_name().and_then(title::clean);
    let name = name.or_else(|| subject(part)).unwrap_or_else(|| format!("attachment {number}"));
    let read = draft.begin_attachment().and_then(|()| draft.inside(&name, size(part), |draft| contents(part, draft)));
    match read {
        Ok(()) => {}
        // Those that follow are too many as well, and one warning says so.
        Err(KnowledgeError::TooLarge { what: Measure::Attachments, .. }) if draft.attachments_are_over() => {}
        Err(reason) => draft.warn(Warning::AttachmentLeftOut { name, reason }),
    }
    Ok(())
}

fn size(part: &MessagePart<'_>) -> usize {
    match &part.body {
        PartType::Message(mail) => mail.raw_message.len(),
        _ => part.contents().len(),
    }
}

fn subject(part: &MessagePart<'_>) -> Option<String> {
    let PartType::Message(mail) = &part.body else { return None };
    title::clean(mail.subject()?)
}

fn contents(part: &MessagePart<'_>, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let media_type = part.content_type().map(|content| match content.subtype() {
        Some(subtype) => format!("{}/{subtype}", content.ctype()),
        None => content.ctype().to_owned(),
    });
    let declared = Declared { media_type, name: part.attachment_name().map(str::to_owned) };
    match &part.body {
        PartType::Message(mail) => message(mail, draft),
        // Its characters were decoded already.
        PartType::Text(text) | PartType::Html(text) => {
            let unicode = Declared { media_type: declared.media_type.map(|kind| kind + "; charset=utf-8"), ..declared };
            read_into(text.as_bytes(), &unicode, draft)
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => read_into(bytes, &declared, draft),
        PartType::Multipart(_) => Ok(()),
    }
}
