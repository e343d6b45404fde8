//! Time. A timestamp is UTC with microseconds; it prints as RFC 3339. Code asks a [`Clock`], so tests fix it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, microseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970; values outside the calendar's range are clamped.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let low = jiff::Timestamp::MIN.as_microsecond();
        let high = jiff::Timestamp::MAX.as_microsecond();
        Self(micros.clamp(low, high))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as OpenAI's `created` fields want them.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved by whole seconds, clamped to the calendar's range.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// The month as `yyyy * 12 + (month - 1)`: budgets are kept by calendar month in UTC.
    #[must_use]
    pub fn month_index(self) -> i64 {
        let date = self.calendar().to_zoned(jiff::tz::TimeZone::UTC).date();
        i64::from(date.year()) * 12 + i64::from(date.month()) - 1
    }

    fn calendar(self) -> jiff::Timestamp {
        // INVARIANT: every constructor clamps, so this never falls back.
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.calendar())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_microsecond()))
            .map_err(|_| format!("'{text}' is not a time: write it as 2026-01-31T09:00:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Where the time comes from: the system's clock, or one that a test sets.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back() {
        let moment = Timestamp::from_micros(1_790_000_000_123_456);
        assert_eq!(moment.to_string(), "2026-09-21T14:13:20.123456Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn months_count_on_across_a_year() {
        let december: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(december.plus_seconds(1).month_index(), december.month_index() + 1);
    }

    #[test]
    fn extremes_are_clamped_not_wrapped() {
        assert!(Timestamp::from_micros(i64::MAX).plus_seconds(i64::MAX) <= Timestamp::from_micros(i64::MAX));
        let _ = Timestamp::from_micros(i64::MIN).to_string();
    }
}
