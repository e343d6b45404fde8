//! The people of an export: how messages show them, and how lists name them.

use std::collections::HashMap;

use domain::ListToken;
use serde_json::Value;

use super::{MemberKey, SlackConfig};
use crate::parse::clean_title;

/// People by their ids in Slack.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    by_id: HashMap<String, Person>,
}

#[derive(Debug, Clone)]
struct Person {
    name: Option<String>,
    email: Option<String>,
}

impl People {
    /// From `users.json`; what is no person in it is left aside.
    pub(super) fn read(users: &Value) -> Self {
        let users = users.as_array().into_iter().flatten();
        let by_id = users.filter_map(|user| Some((user.get("id")?.as_str()?.to_owned(), person(user))));
        Self { by_id: by_id.collect() }
    }

    /// The name to show for an id.
    pub(super) fn name(&self, id: &str) -> Option<&str> {
        self.by_id.get(id)?.name.as_deref()
    }

    /// The token of a member; none where the export does not tell.
    pub(super) fn token(&self, id: &str, config: &SlackConfig) -> Option<ListToken> {
        let external_id = match config.people {
            MemberKey::Id => id.to_owned(),
            MemberKey::Email => self.by_id.get(id)?.email.clone()?,
        };
        let is_sound = !external_id.is_empty() && !external_id.chars().any(char::is_control);
        is_sound.then(|| ListToken::External { source: config.people_source.clone(), external_id })
    }
}

fn person(user: &Value) -> Person {
    let profile = |field: &str| user.get("profile")?.get(field)?.as_str();
    let shown = [profile("display_name"), profile("real_name"), user.get("real_name").and_then(Value::as_str)];
    let name = shown.into_iter().chain([user.get("name").and_then(Value::as_str)]).flatten().find_map(clean_title);
    let email = profile("email").map(|email| email.trim().to_lowercase()).filter(|email| email.contains('@'));
    Person { name, email }
}
