//! Messages as documents: a thread with its replies, and what else was said on a day.

use std::collections::BTreeMap;

use domain::Timestamp;

use super::conversations::Conversation;
use super::messages::Message;
use super::people::People;
use crate::parse::clean_title;

/// Messages in a document at most; those that follow are the next part of it.
const MOST_MESSAGES: usize = 500;
/// Bytes after which a document takes no further message.
const MOST_BYTES: usize = 1 << 20;
/// Characters of a thread's first message in its title.
const TITLE_CHARACTERS: usize = 80;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Writing {
    /// `C1/2026-01-31`, `C1/thread/1767254400.000100`; parts after the first `/2` and so on behind it.
    pub(super) external_id: String,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) updated_at: Option<Timestamp>,
}

/// The documents of a conversation. Ids depend on nothing but days and the times of threads.
pub(super) fn documents(
    conversation: &Conversation,
    people: &People,
    messages: &BTreeMap<String, Message>,
) -> Vec<Writing> {
    let mut sorted: Vec<(&String, &Message)> = messages.iter().collect();
    sorted.sort_by_key(|(time, message)| (message.said_at, *time));
    let mut groups: BTreeMap<String, Vec<&Message>> = BTreeMap::new();
    for (_, message) in sorted {
        let about = match &message.thread {
            Some(thread) => format!("thread/{thread}"),
            None => message.day.clone(),
        };
        groups.entry(about).or_default().push(message);
    }
    let written = groups.into_iter().flat_map(|(about, messages)| parts(conversation, people, &about, &messages));
    written.collect()
}

fn parts(conversation: &Conversation, people: &People, about: &str, messages: &[&Message]) -> Vec<Writing> {
    let mut written: Vec<Writing> = Vec::new();
    let mut count = 0;
    for message in messages {
        let line = line(message, people);
        match written.last_mut() {
            Some(last) if count < MOST_MESSAGES && last.text.len() + line.len() < MOST_BYTES => {
                last.text.push('\n');
                last.text.push_str(&line);
                last.updated_at = last.updated_at.max(Some(message.changed_at));
                count += 1;
            }
            _ => {
                let part = written.len() + 1;
                let id = format!("{}/{about}", conversation.id);
                written.push(Writing {
                    external_id: if part == 1 { id } else { format!("{id}/{part}") },
                    title: title(conversation, people, messages, part),
                    text: line,
                    updated_at: Some(message.changed_at),
                });
                count = 1;
            }
        }
    }
    written
}

fn title(conversation: &Conversation, people: &People, messages: &[&Message], part: usize) -> String {
    let about = match messages.first() {
        Some(Message { thread: Some(_), text, .. }) => {
            let text = plain(text, people);
            let first = text.lines().next().unwrap_or_default();
            format!(": {}", first.chars().take(TITLE_CHARACTERS).collect::<String>())
        }
        Some(Message { day, .. }) => format!(", {day}"),
        None => String::new(),
    };
    let part = if part == 1 { String::new() } else { format!(" ({part})") };
    clean_title(&format!("{}{about}{part}", conversation.title)).unwrap_or_default()
}

fn line(message: &Message, people: &People) -> String {
    let known = message.author.as_deref().and_then(|author| people.name(author));
    let shown = message.author_name.as_deref().and_then(clean_title);
    let author = known.map(str::to_owned).or(shown).or_else(|| message.author.as_deref().and_then(clean_title));
    let time = message.said_at.to_string();
    let minute = time.get(..16).unwrap_or(&time).replace('T', " ");
    format!("[{minute}] {}: {}", author.as_deref().unwrap_or("somebody"), plain(&message.text, people))
}

/// Slack's markup as plain text: mentions by name, links with their address, `&lt;` as `<`.
fn plain(text: &str, people: &People) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((inside, behind)) = after.split_once('>') else {
            plain.push('<');
            rest = after;
            continue;
        };
        plain.push_str(&reference(inside, people));
        rest = behind;
    }
    plain.push_str(rest);
    // The ampersand last: `&amp;lt;` is the text `&lt;`.
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn reference(inside: &str, people: &People) -> String {
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.is_empty())),
        None => (inside, None),
    };
    if let Some(id) = target.strip_prefix('@') {
        return format!("@{}", people.name(id).or(label).unwrap_or(id));
    }
    if let Some(id) = target.strip_prefix('#') {
        return format!("#{}", label.unwrap_or(id));
    }
    if let Some(command) = target.strip_prefix('!') {
        let name = command.split('^').next().unwrap_or(command);
        return label.map_or_else(|| format!("@{name}"), str::to_owned);
    }
    match label {
        Some(label) if label != target => format!("{label} ({target})"),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::AccessList;
    use serde_json::json;

    use super::super::messages::read_day;
    use super::*;

    fn people() -> People {
        People::read(&json!([{"id": "U1", "name": "ada", "profile": {"display_name": "Ada"}}, {"id": "U2"}]))
    }

    fn written(messages: &serde_json::Value) -> Vec<Writing> {
        let (id, folder, title) = ("C1".to_owned(), "general".to_owned(), "#general".to_owned());
        let conversation = Conversation { id, folder, title, access: AccessList::default() };
        let messages = read_day(messages.to_string().as_bytes(), "2026-01-01").unwrap().into_iter().collect();
        documents(&conversation, &people(), &messages)
    }

    #[test]
    fn markup_becomes_text() {
        for (markup, expected) in [
            ("hi <@U1>, <@U9> and <@U8|bob>", "hi @Ada, @U9 and @bob"),
            (
                "see <#C2|random> or <http://x.org|the page> or <http://y.org>",
                "see #random or the page (http://x.org) or http://y.org",
            ),
            ("<!here> <!subteam^S1|@team>", "@here @team"),
            ("1 &lt; 2 &amp;amp; &amp;lt; <", "1 < 2 &amp; &lt; <"),
        ] {
            assert_eq!(plain(markup, &people()), expected);
        }
    }

    #[test]
    fn a_thread_is_a_document_and_so_is_the_rest_of_the_day() {
        let written = written(&json!([
            {"ts": "1767254400.000100", "user": "U1", "text": "Who comes?", "thread_ts": "1767254400.000100"},
            {"ts": "1767254460.000200", "user": "U2", "text": "hello"},
            {"ts": "1767254520.000300", "username": "robot", "text": "me", "thread_ts": "1767254400.000100",
             "edited": {"ts": "1767254580.000000"}},
        ]));
        let shown: Vec<_> =
            written.iter().map(|writing| (&*writing.external_id, &*writing.title, &*writing.text)).collect();
        assert_eq!(
            shown,
            [
                ("C1/2026-01-01", "#general, 2026-01-01", "[2026-01-01 08:01] U2: hello"),
                (
                    "C1/thread/1767254400.000100",
                    "#general: Who comes?",
                    "[2026-01-01 08:00] Ada: Who comes?\n[2026-01-01 08:02] robot: me"
                ),
            ]
        );
        assert_eq!(written[1].updated_at.unwrap().to_string(), "2026-01-01T08:03:00.000000Z");
    }

    #[test]
    fn a_long_day_is_in_parts() {
        let messages: Vec<_> =
            (0..=MOST_MESSAGES).map(|n| json!({"ts": format!("{}.0", 1_767_254_400 + n), "text": "x"})).collect();
        let written = written(&json!(messages));
        let ids: Vec<&str> = written.iter().map(|writing| writing.external_id.as_str()).collect();
        assert_eq!(ids, ["C1/2026-01-01", "C1/2026-01-01/2"]);
        assert_eq!(written[1].text.lines().count(), 1);
    }
}
