//! Limits of a key, exact under concurrency: the worst case is reserved before a request runs and settled after.
//! Minutes slide: a reservation counts for 60 seconds from the moment it was made. A month's spending is kept in the
//! state; what is reserved on top of it is kept here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Cost, KeyId, Limits, Timestamp};

use crate::error::AppError;

const MINUTE_MICROS: i64 = 60_000_000;

/// What a request may take at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorstCase {
    /// Prompt and completion tokens together.
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub cost_micro_usd: Cost,
}

impl WorstCase {
    /// Beyond any real request, and far from where sums would overflow.
    fn clamped(self) -> Self {
        Self { tokens: self.tokens.min(1 << 40), cost_micro_usd: self.cost_micro_usd.min(1 << 50) }
    }
}

/// The windows of all keys. One for each process; a clone is the same one.
#[derive(Debug, Clone, Default)]
pub struct Limiter(Arc<Mutex<HashMap<KeyId, Window>>>);

/// A place within the limits. Dropped without being settled, it keeps its request and gives back its tokens and cost.
#[derive(Debug)]
pub struct Reservation {
    limiter: Limiter,
    key: KeyId,
    number: u64,
    worst: WorstCase,
    settled: bool,
}

#[derive(Debug, Default)]
struct Window {
    next: u64,
    recent: VecDeque<Entry>,
    tokens: u64,
    reserved_micro_usd: Cost,
    /// What this process settled in this month that the caller's reading of the state may not hold yet.
    month: i64,
    spent_micro_usd: Cost,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    at: Timestamp,
    tokens: u64,
}

impl Limiter {
    /// Reserves the worst case of one request, or says which limit stands in the way and when it opens again.
    /// `spent_before` is the month's spending in the state when this process first saw the key this month.
    ///
    /// # Errors
    /// [`AppError::Limited`] with code `rate_limit_exceeded` or `budget_exceeded`.
    pub fn reserve(
        &self,
        key: KeyId,
        limits: &Limits,
        worst: WorstCase,
        now: Timestamp,
        spent_before: Cost,
    ) -> Result<Reservation, AppError> {
        let worst = worst.clamped();
        let mut windows = self.lock();
        let window = windows.entry(key).or_default();
        window.forget_before(now);
        window.enter_month(now.month_index(), spent_before);
        window.check_requests(limits, now)?;
        window.check_amounts(limits, worst, now)?;
        let number = window.admit(worst, now);
        drop(windows);
        Ok(Reservation { limiter: self.clone(), key, number, worst, settled: false })
    }

    /// Whether this process has seen the key in this month, so that the state need not be read again.
    #[must_use]
    pub fn knows_month(&self, key: KeyId, now: Timestamp) -> bool {
        self.lock().get(&key).is_some_and(|window| window.month == now.month_index())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Holds this much from now on, where it held less: the request itself is counted already.
    ///
    /// # Errors
    /// Which limit stands in the way, and when it opens; what was held before is held on.
    pub fn raise(&mut self, limits: &Limits, worst: WorstCase, now: Timestamp) -> Result<(), AppError> {
        let (worst, held) = (worst.clamped(), self.worst);
        let mut windows = self.limiter.lock();
        let Some(window) = windows.get_mut(&self.key) else { return Ok(()) };
        window.forget_before(now);
        let more = WorstCase {
            tokens: worst.tokens.saturating_sub(held.tokens),
            cost_micro_usd: worst.cost_micro_usd.saturating_sub(held.cost_micro_usd),
        };
        window.check_amounts(limits, more, now)?;
        window.raise(self.number, more);
        self.worst.tokens += more.tokens;
        self.worst.cost_micro_usd += more.cost_micro_usd;
        Ok(())
    }

    /// Replaces the worst case by what was really taken.
    pub fn settle(mut self, tokens: u64, cost_micro_usd: Cost) {
        self.settled = true;
        self.replace(tokens, cost_micro_usd);
    }

    fn replace(&self, tokens: u64, cost_micro_usd: Cost) {
        if let Some(window) = self.limiter.lock().get_mut(&self.key) {
            window.settle(self.number, &self.worst, WorstCase { tokens, cost_micro_usd });
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.settled {
            self.replace(0, 0);
        }
    }
}

impl Window {
    fn forget_before(&mut self, now: Timestamp) {
        while let Some(oldest) = self.recent.pop_front_if(|oldest| now.micros() - oldest.at.micros() >= MINUTE_MICROS) {
            self.tokens -= oldest.tokens;
        }
    }

    fn enter_month(&mut self, month: i64, spent_before: Cost) {
        if self.month != month {
            self.month = month;
            self.spent_micro_usd = spent_before;
        }
    }

    fn check_requests(&self, limits: &Limits, now: Timestamp) -> Result<(), AppError> {
        let requests = self.recent.len() as u64;
        if limits.requests_per_minute.is_some_and(|most| requests >= most) {
            let free = requests.saturating_sub(limits.requests_per_minute.unwrap_or(0));
            return Err(rate_limited("requests", limits.requests_per_minute, self.opens_in(now, free)));
        }
        Ok(())
    }

    fn check_amounts(&self, limits: &Limits, worst: WorstCase, now: Timestamp) -> Result<(), AppError> {
        if let Some(most) = limits.tokens_per_minute
            && self.tokens.saturating_add(worst.tokens) > most
        {
            return Err(rate_limited("tokens", Some(most), self.tokens_open_in(now, most, worst.tokens)));
        }
        let spent = self.spent_micro_usd.saturating_add(self.reserved_micro_usd);
        match limits.budget_micro_usd_per_month {
            Some(most) if spent.saturating_add(worst.cost_micro_usd) > most || spent >= most => {
                Err(over_budget(most, now))
            }
            _ => Ok(()),
        }
    }

    fn admit(&mut self, worst: WorstCase, now: Timestamp) -> u64 {
        self.next += 1;
        self.tokens += worst.tokens;
        self.reserved_micro_usd += worst.cost_micro_usd;
        self.recent.push_back(Entry { number: self.next, at: now, tokens: worst.tokens });
        self.next
    }

    fn raise(&mut self, number: u64, more: WorstCase) {
        if let Some(position) = self.position(number) {
            self.tokens += more.tokens;
            self.recent[position].tokens += more.tokens;
        }
        self.reserved_micro_usd += more.cost_micro_usd;
    }

    /// Where a request stands among the recent ones. One that ran for more than a minute has left the window already.
    fn position(&self, number: u64) -> Option<usize> {
        self.recent.binary_search_by_key(&number, |entry| entry.number).ok()
    }

    fn settle(&mut self, number: u64, worst: &WorstCase, taken: WorstCase) {
        if let Some(position) = self.position(number) {
            self.tokens = self.tokens - self.recent[position].tokens + taken.tokens;
            self.recent[position].tokens = taken.tokens;
        }
        self.reserved_micro_usd -= worst.cost_micro_usd;
        self.spent_micro_usd = self.spent_micro_usd.saturating_add(taken.cost_micro_usd);
    }

    /// Seconds until more than `leaving` of the oldest requests have left the minute.
    fn opens_in(&self, now: Timestamp, leaving: u64) -> u64 {
        let index = usize::try_from(leaving).unwrap_or(usize::MAX).min(self.recent.len().saturating_sub(1));
        self.recent.get(index).map_or(60, |entry| seconds_left(entry.at, now))
    }

    /// Seconds until enough tokens have left the minute for `wanted` more; a minute where that never happens.
    fn tokens_open_in(&self, now: Timestamp, most: u64, wanted: u64) -> u64 {
        let mut held = self.tokens;
        for entry in &self.recent {
            held -= entry.tokens;
            if held.saturating_add(wanted) <= most {
                return seconds_left(entry.at, now);
            }
        }
        60
    }
}

fn seconds_left(at: Timestamp, now: Timestamp) -> u64 {
    let micros = (at.micros() + MINUTE_MICROS - now.micros()).max(1);
    u64::try_from(micros).unwrap_or(1).div_ceil(1_000_000)
}

fn rate_limited(what: &str, most: Option<u64>, retry_after_seconds: u64) -> AppError {
    let most = most.unwrap_or(0);
    AppError::Limited {
        message: format!(
            "this key is limited to {most} {what} per minute (the worst case of a request counts until it ends): try \
             again in {retry_after_seconds} s, ask for fewer max_tokens, or ask an administrator for a higher limit"
        ),
        code: "rate_limit_exceeded",
        retry_after_seconds,
    }
}

fn over_budget(most: u64, now: Timestamp) -> AppError {
    let retry_after_seconds = seconds_to_next_month(now);
    AppError::Limited {
        message: format!(
            "this key's budget of {most} micro-USD for the calendar month (UTC) does not cover the worst case of this \
             request: ask for fewer max_tokens, or ask an administrator for a higher budget"
        ),
        code: "budget_exceeded",
        retry_after_seconds,
    }
}

fn seconds_to_next_month(now: Timestamp) -> u64 {
    let month = now.month_index();
    // Days are whole in UTC; at most 31 of them are left.
    let midnight = now.seconds() - now.seconds().rem_euclid(86_400);
    (1..=31)
        .map(|day| midnight + day * 86_400)
        .find(|second| Timestamp::from_micros(second * 1_000_000).month_index() != month)
        .map_or(86_400, |second| u64::try_from(second - now.seconds()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key() -> KeyId {
        KeyId::from_uuid(Uuid::from_u128(1))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000).plus_seconds(seconds)
    }

    fn tokens(tokens: u64) -> WorstCase {
        WorstCase { tokens, cost_micro_usd: 0 }
    }

    fn cost(cost_micro_usd: Cost) -> WorstCase {
        WorstCase { tokens: 0, cost_micro_usd }
    }

    fn code(result: Result<Reservation, AppError>) -> (&'static str, u64) {
        match result {
            Err(AppError::Limited { code, retry_after_seconds, .. }) => (code, retry_after_seconds),
            other => panic!("expected a limit, got {other:?}"),
        }
    }

    #[test]
    fn requests_leave_the_minute_one_by_one() {
        let (limiter, limits) = (Limiter::default(), Limits { requests_per_minute: Some(2), ..Limits::default() });
        for second in [0, 10] {
            limiter.reserve(key(), &limits, tokens(0), at(second), 0).unwrap().settle(0, 0);
        }
        assert_eq!(code(limiter.reserve(key(), &limits, tokens(0), at(20), 0)), ("rate_limit_exceeded", 40));
        limiter.reserve(key(), &limits, tokens(0), at(60), 0).unwrap().settle(0, 0);
        assert_eq!(code(limiter.reserve(key(), &limits, tokens(0), at(61), 0)), ("rate_limit_exceeded", 9));
    }

    #[test]
    fn the_worst_case_counts_until_it_is_settled() {
        let (limiter, limits) = (Limiter::default(), Limits { tokens_per_minute: Some(100), ..Limits::default() });
        let first = limiter.reserve(key(), &limits, tokens(80), at(0), 0).unwrap();
        assert_eq!(code(limiter.reserve(key(), &limits, tokens(30), at(1), 0)).0, "rate_limit_exceeded");
        first.settle(10, 0);
        let second = limiter.reserve(key(), &limits, tokens(90), at(1), 0).unwrap();
        drop(second);
        limiter.reserve(key(), &limits, tokens(90), at(2), 0).unwrap().settle(90, 0);
        assert_eq!(code(limiter.reserve(key(), &limits, tokens(1), at(3), 0)), ("rate_limit_exceeded", 57));
    }

    #[test]
    fn what_is_held_can_grow_within_the_limits_and_is_given_back_whole() {
        let limiter = Limiter::default();
        let limits = Limits { requests_per_minute: Some(1), tokens_per_minute: Some(100), ..Limits::default() };
        let mut held = limiter.reserve(key(), &limits, tokens(0), at(0), 0).unwrap();
        held.raise(&limits, tokens(60), at(1)).unwrap();
        assert!(held.raise(&limits, tokens(101), at(1)).is_err());
        held.raise(&limits, tokens(100), at(1)).unwrap();
        held.settle(70, 0);
        let more = Limits { requests_per_minute: None, ..limits };
        assert_eq!(code(limiter.reserve(key(), &limits, tokens(0), at(2), 0)), ("rate_limit_exceeded", 58));
        assert!(limiter.reserve(key(), &more, tokens(31), at(2), 0).is_err());
        assert!(limiter.reserve(key(), &more, tokens(30), at(2), 0).is_ok());
        let mut long = limiter.reserve(key(), &more, tokens(0), at(100), 0).unwrap();
        long.raise(&more, tokens(9), at(200)).unwrap();
        long.settle(9, 0);
        assert!(limiter.reserve(key(), &more, tokens(100), at(200), 0).is_ok());
    }

    #[test]
    fn a_budget_counts_what_the_state_holds_what_is_settled_and_what_is_reserved() {
        let (limiter, limits) =
            (Limiter::default(), Limits { budget_micro_usd_per_month: Some(100), ..Limits::default() });
        let first = limiter.reserve(key(), &limits, cost(40), at(0), 50).unwrap();
        assert_eq!(code(limiter.reserve(key(), &limits, cost(11), at(0), 50)).0, "budget_exceeded");
        first.settle(0, 20);
        limiter.reserve(key(), &limits, cost(30), at(90), 50).unwrap().settle(0, 30);
        let (reason, retry) = code(limiter.reserve(key(), &limits, cost(0), at(91), 50));
        assert_eq!(reason, "budget_exceeded");
        assert_ne!(at(91).plus_seconds(retry as i64).month_index(), at(91).month_index());
        assert_eq!(at(91).plus_seconds(retry as i64 - 1).month_index(), at(91).month_index());
        let next_month = at(91).plus_seconds(retry as i64);
        assert!(limiter.reserve(key(), &limits, cost(100), next_month, 0).is_ok());
    }

    #[test]
    fn limits_hold_exactly_under_concurrency() {
        let limiter = Limiter::default();
        let limits = Limits { requests_per_minute: Some(100), tokens_per_minute: Some(1_000), ..Limits::default() };
        let admitted: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..200)
                            .filter_map(|_| limiter.reserve(key(), &limits, tokens(13), at(0), 0).ok())
                            .map(|reservation| reservation.settle(13, 0))
                            .count()
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!(admitted, 1_000 / 13);
    }

    #[test]
    fn a_long_request_leaves_the_minute_and_keeps_its_cost_reserved() {
        let (limiter, limits) = (
            Limiter::default(),
            Limits { requests_per_minute: Some(1), budget_micro_usd_per_month: Some(10), ..Limits::default() },
        );
        let long = limiter.reserve(key(), &limits, cost(6), at(0), 0).unwrap();
        assert_eq!(code(limiter.reserve(key(), &limits, cost(6), at(70), 0)).0, "budget_exceeded");
        long.settle(0, 1);
        assert!(limiter.reserve(key(), &limits, cost(6), at(71), 0).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_opens_nothing() {
        let (limiter, limits) = (Limiter::default(), Limits { requests_per_minute: Some(1), ..Limits::default() });
        limiter.reserve(key(), &limits, tokens(0), at(100), 0).unwrap().settle(0, 0);
        assert_eq!(code(limiter.reserve(key(), &limits, tokens(0), at(0), 0)).0, "rate_limit_exceeded");
    }
}
