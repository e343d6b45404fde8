//! The circuit breaker of an upstream: after several failures in a row it is left alone for a while, then one request
//! at a time tries whether it is back. A pure state machine: the time is passed in.

use serde::{Deserialize, Serialize};

/// When to leave an upstream alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failures in a row after which it opens.
    pub failures: u32,
    /// How long it stays open the first time, milliseconds; doubled after each probe that fails.
    pub open_ms: u64,
    /// The longest it stays open, milliseconds.
    pub max_open_ms: u64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, open_ms: 1_000, max_open_ms: 30_000 }
    }
}

/// The state of a breaker, for counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests pass.
    Closed,
    /// Requests are refused at once.
    Open,
    /// One request tries whether the upstream is back.
    HalfOpen,
}

/// Leave to send one request. Its outcome goes back with [`Breaker::succeed`], [`Breaker::fail`] or
/// [`Breaker::forget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Counts the openings: what began before the last one says nothing about now.
    period: u64,
    probe: bool,
}

/// Closed, open or half-open.
#[derive(Debug, Clone)]
pub struct Breaker {
    config: BreakerConfig,
    period: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until_ms: u64, open_ms: u64, probing: bool },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(config: BreakerConfig) -> Self {
        Self { config, period: 0, state: State::Closed { failures: 0 } }
    }

    /// Asks to send a request at `now_ms`, on a clock that never goes back.
    ///
    /// # Errors
    /// Milliseconds until it is worth asking again.
    pub fn admit(&mut self, now_ms: u64) -> Result<Pass, u64> {
        match &mut self.state {
            State::Closed { .. } => Ok(Pass { period: self.period, probe: false }),
            State::Open { until_ms, .. } if now_ms < *until_ms => Err(*until_ms - now_ms),
            State::Open { probing: true, open_ms, .. } => Err(*open_ms),
            State::Open { probing, .. } => {
                *probing = true;
                Ok(Pass { period: self.period, probe: true })
            }
        }
    }

    /// Milliseconds until a request would be let through; 0 where it would be now.
    #[must_use]
    pub fn wait_ms(&self, now_ms: u64) -> u64 {
        match self.state {
            State::Closed { .. } => 0,
            State::Open { until_ms, .. } if now_ms < until_ms => until_ms - now_ms,
            State::Open { probing: true, open_ms, .. } => open_ms,
            State::Open { .. } => 0,
        }
    }

    /// The request was answered.
    pub fn succeed(&mut self, pass: Pass) {
        if pass.period == self.period {
            self.state = State::Closed { failures: 0 };
        }
    }

    /// The upstream failed at `now_ms`.
    pub fn fail(&mut self, pass: Pass, now_ms: u64) {
        if pass.period != self.period {
            return;
        }
        match self.state {
            State::Closed { failures } if failures + 1 < self.config.failures => {
                self.state = State::Closed { failures: failures + 1 };
            }
            State::Closed { .. } => self.open(now_ms, self.config.open_ms),
            State::Open { open_ms, .. } => {
                self.open(now_ms, open_ms.saturating_mul(2).min(self.config.max_open_ms));
            }
        }
    }

    /// Nothing was learned: the client left, or the request itself was wrong.
    pub fn forget(&mut self, pass: Pass) {
        if let (true, State::Open { probing, .. }) = (pass.probe && pass.period == self.period, &mut self.state) {
            *probing = false;
        }
    }

    /// The supervisor knows better: the upstream was started anew.
    pub fn reset(&mut self) {
        self.period += 1;
        self.state = State::Closed { failures: 0 };
    }

    /// The state at `now_ms`.
    #[must_use]
    pub const fn state(&self, now_ms: u64) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until_ms, .. } if now_ms < until_ms => BreakerState::Open,
            State::Open { .. } => BreakerState::HalfOpen,
        }
    }

    fn open(&mut self, now_ms: u64, open_ms: u64) {
        self.period += 1;
        self.state = State::Open { until_ms: now_ms.saturating_add(open_ms), open_ms, probing: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONFIG: BreakerConfig = BreakerConfig { failures: 3, open_ms: 100, max_open_ms: 250 };

    fn failed(times: u32) -> Breaker {
        let mut breaker = Breaker::new(CONFIG);
        for _ in 0..times {
            let pass = breaker.admit(0).unwrap();
            breaker.fail(pass, 0);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_a_success_starts_over() {
        assert_eq!(failed(2).state(0), BreakerState::Closed);
        assert_eq!(failed(3).state(0), BreakerState::Open);
        let mut breaker = failed(2);
        let pass = breaker.admit(0).unwrap();
        breaker.succeed(pass);
        let pass = breaker.admit(0).unwrap();
        breaker.fail(pass, 0);
        assert_eq!(breaker.state(0), BreakerState::Closed);
    }

    #[test]
    fn one_probe_decides_and_each_failed_one_doubles_the_wait() {
        let mut breaker = failed(3);
        assert_eq!(breaker.admit(40), Err(60));
        let probe = breaker.admit(100).unwrap();
        assert_eq!(breaker.state(100), BreakerState::HalfOpen);
        assert!(breaker.admit(100).is_err(), "a second probe");
        breaker.fail(probe, 100);
        assert_eq!(breaker.admit(100), Err(200));
        let probe = breaker.admit(300).unwrap();
        breaker.fail(probe, 300);
        assert_eq!(breaker.admit(300), Err(250), "no longer than max_open_ms");
        let probe = breaker.admit(550).unwrap();
        breaker.succeed(probe);
        assert_eq!(breaker.state(550), BreakerState::Closed);
    }

    #[test]
    fn a_probe_whose_client_left_makes_room_for_another() {
        let mut breaker = failed(3);
        let probe = breaker.admit(100).unwrap();
        breaker.forget(probe);
        assert!(breaker.admit(100).is_ok());
    }

    #[test]
    fn what_began_before_it_opened_does_not_close_it() {
        let mut breaker = Breaker::new(CONFIG);
        let old = breaker.admit(0).unwrap();
        for _ in 0..3 {
            let pass = breaker.admit(0).unwrap();
            breaker.fail(pass, 0);
        }
        breaker.succeed(old);
        assert_eq!(breaker.state(0), BreakerState::Open);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Admit,
        Succeed(usize),
        Fail(usize),
        Forget(usize),
        Wait(u64),
        Reset,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Admit),
            2 => (0..8_usize).prop_map(Step::Succeed),
            4 => (0..8_usize).prop_map(Step::Fail),
            1 => (0..8_usize).prop_map(Step::Forget),
            2 => (0..300_u64).prop_map(Step::Wait),
            1 => Just(Step::Reset),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        /// Against what one can see from outside: never two probes, never a pass while open, never stuck.
        #[test]
        fn it_never_floods_and_never_sticks(steps in steps()) {
            let mut breaker = Breaker::new(CONFIG);
            let mut now = 0;
            let mut out: Vec<Pass> = Vec::new();
            for step in steps {
                match step {
                    Step::Admit => {
                        let (state, wait) = (breaker.state(now), breaker.wait_ms(now));
                        match breaker.admit(now) {
                            Ok(pass) => {
                                prop_assert_ne!(state, BreakerState::Open);
                                prop_assert_eq!(wait, 0);
                                let probes = out.iter().filter(|other| other.probe && other.period == pass.period);
                                prop_assert!(!pass.probe || probes.count() == 0, "two probes at once");
                                out.push(pass);
                            }
                            Err(refused) => prop_assert!(refused == wait && wait > 0 && wait <= CONFIG.max_open_ms),
                        }
                    }
                    Step::Succeed(at) if at < out.len() => breaker.succeed(out.swap_remove(at)),
                    Step::Fail(at) if at < out.len() => breaker.fail(out.swap_remove(at), now),
                    Step::Forget(at) if at < out.len() => breaker.forget(out.swap_remove(at)),
                    Step::Wait(ms) => now += ms,
                    Step::Reset => breaker.reset(),
                    _ => {}
                }
            }
            for pass in out {
                breaker.forget(pass);
            }
            prop_assert!(breaker.admit(now + CONFIG.max_open_ms).is_ok(), "stuck");
        }
    }
}
