//! Limits of a key, prices of a model, and what an exchange costs. Money is in millionths of a US dollar.

use serde::{Deserialize, Serialize};

/// Limits of a key; an absent one does not limit. Minutes slide, months are calendar months in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests in any 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Prompt and completion tokens in any 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Spending in a calendar month, millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_micro_usd_per_month: Option<u64>,
}

/// What a model's tokens cost, millionths of a US dollar per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
    /// Per million prompt tokens.
    pub prompt_micro_usd_per_million: u64,
    /// Per million completion tokens.
    pub completion_micro_usd_per_million: u64,
}

/// Millionths of a US dollar.
pub type Cost = u64;

impl Price {
    /// The cost of an exchange, rounded up to a whole millionth so that many small ones are not free.
    #[must_use]
    pub fn cost_micro_usd(&self, prompt_tokens: u64, completion_tokens: u64) -> Cost {
        let prompt = u128::from(prompt_tokens) * u128::from(self.prompt_micro_usd_per_million);
        let completion = u128::from(completion_tokens) * u128::from(self.completion_micro_usd_per_million);
        u64::try_from((prompt + completion).div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_rounds_up_and_never_wraps() {
        let price = Price { prompt_micro_usd_per_million: 150_000, completion_micro_usd_per_million: 600_000 };
        assert_eq!(price.cost_micro_usd(1_000_000, 1_000_000), 750_000);
        assert_eq!(price.cost_micro_usd(1, 0), 1);
        assert_eq!(price.cost_micro_usd(0, 0), 0);
        let dear = Price { prompt_micro_usd_per_million: u64::MAX, completion_micro_usd_per_million: u64::MAX };
        assert_eq!(dear.cost_micro_usd(u64::MAX / 2, u64::MAX / 2), u64::MAX);
    }
}
