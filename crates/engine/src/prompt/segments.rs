//! Which part of a rendered prompt came from which message.
//!
//! The text of the first k messages alone must be, byte for byte, the beginning of the whole: then what follows
//! cannot come from them. Where a template gives no such boundary (it moves or rewrites messages), neighbours
//! share one segment, and one label only if theirs are equal.

use std::ops::Range;

use super::Conversation;
use crate::history::Label;

/// A part of the text with one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) range: Range<usize>,
    /// The message it came from; none for the template's own beginning, and where several share it.
    pub(super) message: Option<u32>,
    pub(super) label: Label,
}

impl Segment {
    /// Whether a token's place lies inside.
    pub(super) fn holds(&self, place: &Range<usize>) -> bool {
        self.range.start <= place.start && place.end <= self.range.end
    }
}

/// The segments of `text`, in order, covering all of it. `prefix` renders the first k messages.
pub(super) fn of(text: &str, conversation: &Conversation, prefix: impl Fn(usize) -> Option<String>) -> Vec<Segment> {
    let count = conversation.messages.len();
    let needed = |k: usize| {
        let labels = (&conversation.messages[k - 1].label, &conversation.messages[k].label);
        conversation.every_span || labels.0 != labels.1
    };
    let mut segments = Vec::new();
    let (mut start, mut first) = (0, 0);
    if conversation.every_span {
        start = prefix(0).filter(|own| text.starts_with(own.as_str())).map_or(0, |own| own.len());
        if start > 0 {
            segments.push(Segment { range: 0..start, message: None, label: preamble_label(conversation) });
        }
    }
    for k in 1..=count {
        let end = match k == count {
            true => Some(text.len()),
            false if needed(k) => prefix(k).filter(|own| text.starts_with(own.as_str())).map(|own| own.len()),
            false => None,
        };
        let Some(end) = end.filter(|end| *end >= start) else { continue };
        let message = (k - first == 1).then(|| u32::try_from(first).ok()).flatten();
        segments.push(Segment { range: start..end, message, label: common_label(conversation, first..k) });
        (start, first) = (end, k);
    }
    mix_in_tools(text, conversation, &mut segments);
    segments
}

/// What the template itself says first takes the label of the message it introduces.
fn preamble_label(conversation: &Conversation) -> Label {
    conversation.messages.first().map_or(&conversation.private, |first| &first.label).clone()
}

fn common_label(conversation: &Conversation, messages: Range<usize>) -> Label {
    let mut labels = conversation.messages[messages].iter().map(|labelled| &labelled.label);
    match labels.next() {
        Some(first) if labels.all(|label| label == first) => first.clone(),
        _ => conversation.private.clone(),
    }
}

/// Functions stand in the first segments; those take the functions' label as well as their own.
fn mix_in_tools(text: &str, conversation: &Conversation, segments: &mut [Segment]) {
    if conversation.tools.is_empty() {
        return;
    }
    let last_name = conversation.tools.iter().map(|tool| text.rfind(tool.function.name.as_str())).max().flatten();
    // Everything up to the last mention of a function may hold some of their description.
    let reach = last_name.unwrap_or(text.len());
    for segment in segments.iter_mut().filter(|segment| segment.range.start <= reach) {
        segment.label = match (&segment.label, &conversation.preamble) {
            (own, tools) if own == tools => own.clone(),
            (Label::Shared(own), Label::Shared(tools)) => Label::Shared(format!("{own}\u{1f}{tools}").into()),
            _ => conversation.private.clone(),
        };
    }
}

#[cfg(test)]
mod tests {
    use wire::chat::{FunctionDefinition, Message, MessageRole, Tool};

    use super::super::Labelled;
    use super::*;

    fn shared(name: &str) -> Label {
        Label::Shared(name.into())
    }

    fn conversation(messages: &[(MessageRole, &str, Label)], tools: &[&str]) -> Conversation {
        let tool = |name: &&str| Tool::new(FunctionDefinition { name: (*name).to_owned(), ..Default::default() });
        Conversation {
            messages: messages
                .iter()
                .map(|(role, text, label)| Labelled { message: Message::new(*role, *text), label: label.clone() })
                .collect(),
            tools: tools.iter().map(tool).collect(),
            preamble: shared("ada"),
            private: Label::Private(1),
            open_turn: true,
            now: domain::Timestamp::from_micros(0),
            every_span: false,
        }
    }

    /// A template in the manner of ChatML.
    fn render(conversation: &Conversation, count: usize) -> String {
        let tools: String = conversation.tools.iter().map(|tool| format!("[{}]", tool.function.name)).collect();
        let messages = conversation.messages[..count]
            .iter()
            .map(|labelled| format!("<{}>{}\n", labelled.message.role.as_str(), labelled.message.text()));
        tools + &messages.collect::<String>()
    }

    fn labels(
        conversation: &Conversation,
        whole: &str,
        render: impl Fn(usize) -> Option<String>,
    ) -> Vec<(String, Label)> {
        let segments = of(whole, conversation, render);
        assert_eq!(segments.iter().map(|segment| &whole[segment.range.clone()]).collect::<String>(), whole);
        segments.into_iter().map(|segment| (whole[segment.range].to_owned(), segment.label)).collect()
    }

    #[test]
    fn each_message_keeps_its_label_and_the_opened_turn_goes_with_the_last() {
        let talk =
            conversation(&[(MessageRole::System, "S", shared("task")), (MessageRole::User, "U", shared("ada"))], &[]);
        let whole = render(&talk, 2) + "<assistant>";
        assert_eq!(
            labels(&talk, &whole, |count| Some(render(&talk, count))),
            [("<system>S\n".to_owned(), shared("task")), ("<user>U\n<assistant>".to_owned(), shared("ada"))]
        );
    }

    #[test]
    fn a_template_that_moves_messages_makes_them_private() {
        let talk = conversation(
            &[(MessageRole::User, "secret", shared("ada")), (MessageRole::System, "S", shared("task"))],
            &[],
        );
        // System first: the text of the first message alone does not begin the whole.
        let whole = "<system>S\n<user>secret\n";
        let prefix = |count: usize| Some(render(&talk, count));
        assert_eq!(labels(&talk, whole, prefix), [(whole.to_owned(), Label::Private(1))]);
    }

    #[test]
    fn a_prompt_with_functions_needs_both_labels() {
        let mut talk = conversation(
            &[(MessageRole::System, "S", shared("task")), (MessageRole::User, "U", shared("ada"))],
            &["get_weather"],
        );
        let whole = render(&talk, 2);
        let of = |talk: &Conversation| labels(talk, &whole, |count| Some(render(talk, count)));
        assert_eq!(of(&talk)[0].1, shared("task\u{1f}ada"));
        assert_eq!(of(&talk)[1].1, shared("ada"));
        talk.preamble = Label::Private(1);
        assert_eq!(of(&talk)[0].1, Label::Private(1));
    }
}
