//! Reads one call, `{"name": ..., "arguments": ...}`, while it is being written.
//!
//! Arguments are passed on as the model writes them, character by character.

/// What is known of a call so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The name, when it became known just now.
    pub(super) name: Option<String>,
    /// More of the arguments' JSON text.
    pub(super) arguments: String,
    /// The object is closed.
    pub(super) done: bool,
    /// This is no call: not JSON, or without a name.
    pub(super) broken: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the opening brace.
    #[default]
    Before,
    /// Before a key.
    Key,
    /// Inside a key.
    InKey,
    /// Between a key and its value.
    Colon,
    /// Inside a value.
    Value,
    /// After the closing brace.
    After,
}

/// The state of one call.
#[derive(Debug, Default)]
pub(super) struct CallScanner {
    place: Place,
    /// Nesting within the value.
    depth: usize,
    in_string: bool,
    escaped: bool,
    key: String,
    value: String,
    named: bool,
    /// Arguments that came before the name.
    early: String,
}

impl CallScanner {
    /// Takes in a character.
    pub(super) fn push(&mut self, character: char, progress: &mut Progress) {
        match self.place {
            Place::Before | Place::Key | Place::Colon => self.between(character, progress),
            Place::InKey => self.in_key(character),
            Place::Value => self.in_value(character, progress),
            Place::After => {}
        }
    }

    fn between(&mut self, character: char, progress: &mut Progress) {
        match (self.place, character) {
            (_, space) if space.is_ascii_whitespace() => {}
            (Place::Before, '{') | (Place::Key, ',') => self.place = Place::Key,
            (Place::Key, '"') => {
                self.key.clear();
                self.place = Place::InKey;
            }
            (Place::Key, '}') => self.close(progress),
            (Place::Colon, ':') => {
                self.value.clear();
                self.depth = 0;
                self.place = Place::Value;
            }
            _ => progress.broken = true,
        }
    }

    fn in_key(&mut self, character: char) {
        match character {
            '"' => self.place = Place::Colon,
            other => self.key.push(other),
        }
    }

    fn in_value(&mut self, character: char, progress: &mut Progress) {
        if self.value.is_empty() && character.is_ascii_whitespace() {
            return;
        }
        if !self.in_string && self.depth == 0 && matches!(character, ',' | '}') {
            self.end_value(progress);
            self.place = Place::Key;
            if character == '}' {
                self.close(progress);
            }
            return;
        }
        self.track(character);
        self.value.push(character);
        if self.is_arguments() && !self.value.starts_with('"') {
            match self.named {
                true => progress.arguments.push(character),
                false => self.early.push(character),
            }
        }
    }

    fn track(&mut self, character: char) {
        if self.in_string {
            match character {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match character {
            '"' => self.in_string = true,
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn is_arguments(&self) -> bool {
        matches!(self.key.as_str(), "arguments" | "parameters")
    }

    fn end_value(&mut self, progress: &mut Progress) {
        if self.key == "name" && !self.named {
            match serde_json::from_str::<String>(self.value.trim_end()) {
                Ok(name) if !name.is_empty() => {
                    self.named = true;
                    progress.name = Some(name);
                    progress.arguments.push_str(&std::mem::take(&mut self.early));
                }
                _ => progress.broken = true,
            }
        } else if self.is_arguments() && self.value.starts_with('"') {
            // Some models write the arguments as a string of JSON.
            let text = serde_json::from_str::<String>(self.value.trim_end()).unwrap_or_default();
            match self.named {
                true => progress.arguments.push_str(&text),
                false => self.early.push_str(&text),
            }
        }
    }

    fn close(&mut self, progress: &mut Progress) {
        self.place = Place::After;
        progress.done = true;
        progress.broken |= !self.named;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, arguments, done, broken; and the arguments after each character, to see that they stream.
    fn scan(text: &str) -> (Option<String>, String, bool, bool, usize) {
        let mut scanner = CallScanner::default();
        let (mut name, mut arguments, mut pieces) = (None, String::new(), 0);
        let mut end = (false, false);
        for character in text.chars() {
            let mut progress = Progress::default();
            scanner.push(character, &mut progress);
            name = name.or(progress.name);
            pieces += usize::from(!progress.arguments.is_empty());
            arguments.push_str(&progress.arguments);
            end = (end.0 || progress.done, end.1 || progress.broken);
        }
        (name, arguments, end.0, end.1, pieces)
    }

    #[test]
    fn arguments_stream_as_they_are_written() {
        let (name, arguments, done, broken, pieces) =
            scan(r#" {"name": "f", "arguments": {"a": "}\"{,", "b": [1, {"c": 2}]}} "#);
        assert_eq!(name.as_deref(), Some("f"));
        assert_eq!(arguments, r#"{"a": "}\"{,", "b": [1, {"c": 2}]}"#);
        assert!(done && !broken);
        assert_eq!(pieces, arguments.chars().count());
    }

    #[test]
    fn arguments_may_come_first_or_as_a_string() {
        let (name, arguments, ..) = scan(r#"{"parameters": {"x": 1}, "name": "g"}"#);
        assert_eq!((name.as_deref(), arguments.as_str()), (Some("g"), r#"{"x": 1}"#));
        let (_, arguments, done, ..) = scan(r#"{"name": "g", "arguments": "{\"x\": 1}"}"#);
        assert_eq!((arguments.as_str(), done), (r#"{"x": 1}"#, true));
    }

    #[test]
    fn what_is_no_call_is_noticed() {
        assert!(scan("hello").3);
        assert!(scan(r#"{"arguments": {}}"#).3);
        assert!(scan(r#"{"name": 3, "arguments": {}}"#).3);
        assert!(!scan(r#"{"name": "f", "argum"#).2);
    }
}
