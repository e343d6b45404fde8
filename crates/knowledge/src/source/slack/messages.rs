//! The messages of one day, as an export holds them.

use domain::Timestamp;
use serde_json::Value;

use super::super::inventory::Reason;
use super::conversations::at;

/// What was said once. What only tells of comings and goings is left out, and so is what was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The file it was in: a day, in the time zone of whoever exported.
    pub(super) day: String,
    /// When it was said.
    pub(super) said_at: Timestamp,
    /// When it was last changed.
    pub(super) changed_at: Timestamp,
    /// The time of the thread's first message, as the export spells it; none outside of threads.
    pub(super) thread: Option<String>,
    /// Who said it: an id.
    pub(super) author: Option<String>,
    /// Who said it, as the message shows it.
    pub(super) author_name: Option<String>,
    /// What was said, in Slack's own markup.
    pub(super) text: String,
}

/// Kinds of messages that say nothing.
const SAY_NOTHING: [&str; 10] = [
    "channel_join",
    "channel_leave",
    "channel_archive",
    "channel_unarchive",
    "channel_convert_to_private",
    "group_join",
    "group_leave",
    "group_archive",
    "group_unarchive",
    "tombstone",
];

/// The day that a file's name says: `2026-01-31.json`.
pub(super) fn day_of(name: &str) -> Option<&str> {
    let day = name.strip_suffix(".json")?;
    let is_day = day.len() == 10
        && day.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_day.then_some(day)
}

/// The messages of a day by their time, which is their id in the conversation. What is no message is left aside.
pub(super) fn read_day(bytes: &[u8], day: &str) -> Result<Vec<(String, Message)>, Reason> {
    let day_of_values: Value = serde_json::from_slice(bytes).map_err(|error| at(&error))?;
    let values = day_of_values.as_array().ok_or_else(|| Reason::damaged("it is no list"))?;
    Ok(values.iter().filter_map(|value| message(value, day)).collect())
}

fn message(value: &Value, day: &str) -> Option<(String, Message)> {
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    if text("type").is_some_and(|kind| kind != "message") || text("subtype").is_some_and(|k| SAY_NOTHING.contains(&k)) {
        return None;
    }
    let time = text("ts")?;
    let said_at = moment(time)?;
    let edited = value.get("edited").and_then(|edited| edited.get("ts")).and_then(Value::as_str).and_then(moment);
    let said = said(value);
    let profile = |field: &str| value.get("user_profile")?.get(field)?.as_str();
    let shown = [profile("display_name"), profile("real_name"), text("username")];
    let message = Message {
        day: day.to_owned(),
        said_at,
        changed_at: edited.unwrap_or(said_at).max(said_at),
        thread: text("thread_ts").filter(|thread| moment(thread).is_some()).map(str::to_owned),
        author: text("user").map(str::to_owned),
        author_name: shown.into_iter().flatten().find(|name| !name.is_empty()).map(str::to_owned),
        text: said,
    };
    (!message.text.is_empty()).then(|| (time.to_owned(), message))
}

/// The text, what was attached to it as text, and the names of files.
fn said(value: &Value) -> String {
    let part = |value: &Value, fields: &[&str]| {
        let texts = fields.iter().filter_map(|field| value.get(field)?.as_str());
        texts.map(str::trim).find(|text| !text.is_empty()).map(str::to_owned)
    };
    let each = |field: &str| value.get(field).and_then(Value::as_array).into_iter().flatten();
    let mut parts: Vec<String> = part(value, &["text"]).into_iter().collect();
    for attached in each("attachments") {
        parts.extend(part(attached, &["title"]));
        parts.extend(part(attached, &["text", "fallback"]));
    }
    parts.extend(each("files").filter_map(|file| part(file, &["title", "name"])).map(|name| format!("[file: {name}]")));
    parts.dedup();
    parts.join("\n")
}

/// A time as an export spells it: `1767254400.000100`, seconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    let (seconds, micros) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(micros) || seconds.len() > 11 || micros.len() > 6 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let micros: i64 = format!("{micros:0<6}").parse().ok()?;
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_strictly() {
        assert_eq!(day_of("2026-01-31.json"), Some("2026-01-31"));
        for strange in ["canvas.json", "2026-01-31", "2026-1-31.json", "../2026-01-31.json", "2026-01-31.json.json"] {
            assert_eq!(day_of(strange), None, "{strange}");
        }
        assert_eq!(moment("1767254400.000100").unwrap().to_string(), "2026-01-01T08:00:00.000100Z");
        for strange in ["", ".", "1.", "-1.0", "1e9", "999999999999.0", "1.0000001"] {
            assert_eq!(moment(strange), None, "{strange}");
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let day = br#"[{"type": "message", "ts": "1.0", "text": "a", "user": "U1"},
            {"type": "message", "subtype": "channel_join", "ts": "2.0", "text": "joined"},
            {"type": "message", "subtype": "tombstone", "ts": "3.0", "text": "This message was deleted."},
            {"type": "message", "ts": "4.0", "text": ""}, {"ts": 5, "text": "b"}, 7, null,
            {"type": "message", "ts": "6.0", "text": "", "files": [{"title": "plan.pdf"}],
             "attachments": [{"title": "T", "text": "t"}]}]"#;
        let texts: Vec<String> = read_day(day, "d").unwrap().into_iter().map(|(_, message)| message.text).collect();
        assert_eq!(texts, ["a", "T\nt\n[file: plan.pdf]"]);
    }
}
