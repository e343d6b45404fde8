//! Which part of a list is asked for, and the part that answers: `{data, has_more}`.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::AppError;

/// How many entries a list gives where nothing is said.
pub const DEFAULT_LIMIT: u32 = 20;
/// How many entries a list gives at most.
pub const MAX_LIMIT: u32 = 1000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// How many entries at most: 1 to 1,000, 20 unless given.
    pub limit: Option<u32>,
    /// The last id of the part before.
    pub after: Option<String>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Slice<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Whether more follow.
    pub has_more: bool,
}

impl<T> Slice<T> {
    /// The same part with every entry made into something else.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> Slice<U> {
        Slice { data: self.data.into_iter().map(of).collect(), has_more: self.has_more }
    }
}

impl Listing {
    /// The number of entries asked for.
    ///
    /// # Errors
    /// It is 0 or above 1,000.
    pub fn limit(&self) -> Result<u32, AppError> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(AppError::invalid("limit", format!("`limit`: use a number from 1 to {MAX_LIMIT}"))),
        }
    }

    /// The part of these entries, in the order of their ids, which is that of their making. An id that is not among
    /// them is a place in that order like any other.
    ///
    /// # Errors
    /// `limit` is out of range, or `after` is no id of this kind.
    pub fn of<T>(&self, entries: impl Iterator<Item = (Uuid, T)>, prefix: &str) -> Result<Slice<T>, AppError> {
        let limit = self.limit()? as usize;
        let after = self.after(prefix)?;
        let mut rest: Vec<(Uuid, T)> = entries.filter(|(id, _)| after.is_none_or(|after| *id > after)).collect();
        rest.sort_unstable_by_key(|(id, _)| *id);
        let has_more = rest.len() > limit;
        rest.truncate(limit);
        Ok(Slice { data: rest.into_iter().map(|(_, entry)| entry).collect(), has_more })
    }

    /// The number after which the part begins, in lists that are counted.
    ///
    /// # Errors
    /// `after` is no number.
    pub fn after_number(&self) -> Result<Option<u64>, AppError> {
        let Some(text) = &self.after else { return Ok(None) };
        let wrong = |_| AppError::invalid("after", "`after`: use the number of the last entry of the page before");
        text.parse().map(Some).map_err(wrong)
    }

    fn after(&self, prefix: &str) -> Result<Option<Uuid>, AppError> {
        let Some(text) = &self.after else { return Ok(None) };
        let id = text.strip_prefix(prefix).and_then(|hex| Uuid::try_parse(hex).ok());
        let wrong = || AppError::invalid("after", format!("`after`: use the last id of the page before ({prefix}...)"));
        id.map(Some).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(limit: Option<u32>, after: Option<u128>) -> Listing {
        Listing { limit, after: after.map(|id| format!("per_{}", Uuid::from_u128(id).simple())) }
    }

    fn numbers(limit: Option<u32>, after: Option<u128>) -> Result<(Vec<u128>, bool), &'static str> {
        let entries = [5_u128, 1, 3, 2, 4].into_iter().map(|number| (Uuid::from_u128(number), number));
        let slice = listing(limit, after).of(entries, "per_").map_err(|error| error.code())?;
        Ok((slice.data, slice.has_more))
    }

    #[test]
    fn parts_follow_each_other_in_the_order_of_making() {
        assert_eq!(numbers(Some(2), None), Ok((vec![1, 2], true)));
        assert_eq!(numbers(Some(2), Some(2)), Ok((vec![3, 4], true)));
        assert_eq!(numbers(Some(2), Some(4)), Ok((vec![5], false)));
        assert_eq!(numbers(Some(5), None), Ok((vec![1, 2, 3, 4, 5], false)));
        assert_eq!(numbers(None, Some(99)), Ok((vec![], false)));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert!(numbers(Some(0), None).is_err());
        assert!(numbers(Some(MAX_LIMIT + 1), None).is_err());
        let foreign = Listing { limit: None, after: Some("grp_00000000000000000000000000000001".to_owned()) };
        assert!(foreign.of(std::iter::empty::<(Uuid, ())>(), "per_").is_err());
    }
}
