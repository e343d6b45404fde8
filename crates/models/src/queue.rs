//! The bounded queue in front of an upstream: so many requests run, so many wait, callers take turns.
//!
//! A caller with many requests waits behind itself: turns go round the callers, and when the queue is full a caller
//! with fewer waiting takes the last place of the one with the most. The order is a pure structure ([`Line`]).

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

/// Places at an upstream.
#[derive(Debug)]
pub(crate) struct Queue {
    line: Mutex<Line<oneshot::Sender<Place>>>,
    max_running: usize,
    /// How long a place was held lately, an exponential mean in milliseconds: for `Retry-After`.
    mean_held_ms: AtomicU64,
}

/// The queue is full, or became so and another caller's turn came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) waiting: usize,
    /// When about a place may be free, at least 1.
    pub(crate) retry_after_seconds: u64,
}

/// A place at the upstream; dropped, it goes to the next in line.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Option<Arc<Queue>>,
    since: Instant,
}

impl Queue {
    pub(crate) fn new(max_running: usize, max_waiting: usize) -> Arc<Self> {
        let line = Mutex::new(Line::new(max_running, max_waiting));
        Arc::new(Self { line, max_running, mean_held_ms: AtomicU64::new(0) })
    }

    /// Waits for a place. Dropping the future gives up the wait.
    pub(crate) async fn enter(self: &Arc<Self>, caller: &str) -> Result<Place, Full> {
        let (sender, receiver) = oneshot::channel();
        let entered = self.line().enter(caller, sender);
        match entered {
            Entered::Runs => Ok(Place::at(self)),
            Entered::Full => Err(self.full()),
            Entered::Waits { ticket, displaced } => {
                // Its receiver learns by the closed channel.
                drop(displaced);
                let mut wait = Wait { queue: self, caller, ticket, receiver };
                (&mut wait.receiver).await.map_err(|_| self.full())
            }
        }
    }

    /// How many run and how many wait now.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let line = self.line();
        (line.running, line.waiting)
    }

    fn full(&self) -> Full {
        let (_, waiting) = self.counts();
        let rounds = (waiting as u64 + 1).div_ceil(self.max_running as u64);
        let wait_ms = rounds.saturating_mul(self.mean_held_ms.load(Ordering::Relaxed));
        Full { waiting, retry_after_seconds: wait_ms.div_ceil(1000).clamp(1, 60) }
    }

    fn line(&self) -> MutexGuard<'_, Line<oneshot::Sender<Place>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_held(&self, held_ms: u64) {
        let mean = self.mean_held_ms.load(Ordering::Relaxed);
        let next = if mean == 0 { held_ms } else { (mean * 7 + held_ms) / 8 };
        self.mean_held_ms.store(next, Ordering::Relaxed);
    }
}

impl Place {
    fn at(queue: &Arc<Queue>) -> Self {
        Self { queue: Some(queue.clone()), since: Instant::now() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        queue.note_held(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX));
        loop {
            // The lock is free again before the place is sent: a refused one must not come back here.
            let next = queue.line().leave();
            let Some(next) = next else { return };
            match next.send(Self::at(&queue)) {
                Ok(()) => return,
                // Who waited is gone; the place goes on to the next.
                Err(mut refused) => refused.queue = None,
            }
        }
    }
}

/// One who waits; dropped, it leaves the line. A place that was sent meanwhile frees itself with the channel.
struct Wait<'a> {
    queue: &'a Queue,
    caller: &'a str,
    ticket: u64,
    receiver: oneshot::Receiver<Place>,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.queue.line().abandon(self.caller, self.ticket);
    }
}

/// Who runs and who waits, without any clock or task.
#[derive(Debug)]
struct Line<W> {
    max_running: usize,
    max_waiting: usize,
    running: usize,
    waiting: usize,
    next_ticket: u64,
    /// INVARIANT: holds a caller if and only if one of its requests waits; `turns` holds each of them once.
    callers: BTreeMap<String, VecDeque<(u64, W)>>,
    turns: VecDeque<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Entered<W> {
    Runs,
    Waits { ticket: u64, displaced: Option<W> },
    Full,
}

impl<W> Line<W> {
    fn new(max_running: usize, max_waiting: usize) -> Self {
        Self {
            max_running,
            max_waiting,
            running: 0,
            waiting: 0,
            next_ticket: 0,
            callers: BTreeMap::new(),
            turns: VecDeque::new(),
        }
    }

    fn enter(&mut self, caller: &str, waiter: W) -> Entered<W> {
        if self.running < self.max_running {
            self.running += 1;
            return Entered::Runs;
        }
        let displaced = if self.waiting < self.max_waiting { None } else { self.displace_for(caller) };
        if self.waiting >= self.max_waiting {
            return Entered::Full;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        match self.callers.get_mut(caller) {
            Some(line) => line.push_back((ticket, waiter)),
            None => {
                self.callers.insert(caller.to_owned(), VecDeque::from([(ticket, waiter)]));
                self.turns.push_back(caller.to_owned());
            }
        }
        Entered::Waits { ticket, displaced }
    }

    /// The place goes to the next in line; where nobody waits it is free.
    fn leave(&mut self) -> Option<W> {
        let Some(caller) = self.turns.pop_front() else {
            self.running -= 1;
            return None;
        };
        let line = self.callers.get_mut(&caller)?;
        let (_, waiter) = line.pop_front()?;
        self.waiting -= 1;
        if line.is_empty() {
            self.callers.remove(&caller);
        } else {
            self.turns.push_back(caller);
        }
        Some(waiter)
    }

    fn abandon(&mut self, caller: &str, ticket: u64) {
        let Some(line) = self.callers.get_mut(caller) else { return };
        let Some(at) = line.iter().position(|(other, _)| *other == ticket) else { return };
        line.remove(at);
        self.forget_if_empty(caller);
    }

    /// The newest of the caller that has most waiting, if it has at least two more than `caller`.
    fn displace_for(&mut self, caller: &str) -> Option<W> {
        let own = self.callers.get(caller).map_or(0, VecDeque::len);
        let (greediest, line) = self.callers.iter_mut().max_by_key(|(_, line)| line.len())?;
        if line.len() < own + 2 {
            return None;
        }
        let (_, waiter) = line.pop_back()?;
        let greediest = greediest.clone();
        self.forget_if_empty(&greediest);
        Some(waiter)
    }

    /// One of the caller's requests has just left the line.
    fn forget_if_empty(&mut self, caller: &str) {
        self.waiting -= 1;
        if self.callers.get(caller).is_some_and(VecDeque::is_empty) {
            self.callers.remove(caller);
            self.turns.retain(|other| other != caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waits(line: &mut Line<&'static str>, caller: &str, name: &'static str) -> (u64, Option<&'static str>) {
        match line.enter(caller, name) {
            Entered::Waits { ticket, displaced } => (ticket, displaced),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn callers_take_turns_whatever_their_number_of_requests() {
        let mut line = Line::new(1, 10);
        assert_eq!(line.enter("ann", "a0"), Entered::Runs);
        for name in ["a1", "a2", "a3"] {
            waits(&mut line, "ann", name);
        }
        waits(&mut line, "bob", "b1");
        waits(&mut line, "cem", "c1");
        let order: Vec<_> = std::iter::from_fn(|| line.leave()).collect();
        assert_eq!(order, ["a1", "b1", "c1", "a2", "a3"]);
        assert_eq!((line.running, line.waiting), (0, 0));
    }

    #[test]
    fn a_full_queue_makes_room_for_who_has_fewer_waiting() {
        let mut line = Line::new(1, 3);
        line.enter("ann", "a0");
        for name in ["a1", "a2", "a3"] {
            waits(&mut line, "ann", name);
        }
        assert_eq!(line.enter("ann", "a4"), Entered::Full);
        assert_eq!(waits(&mut line, "bob", "b1").1, Some("a3"));
        assert_eq!(line.enter("bob", "b2"), Entered::Full, "two each is fair already");
        assert_eq!(line.waiting, 3);
    }

    #[test]
    fn who_leaves_the_line_frees_its_place_in_it() {
        let mut line = Line::new(1, 1);
        line.enter("ann", "a0");
        let (ticket, _) = waits(&mut line, "bob", "b1");
        assert_eq!(line.enter("cem", "c1"), Entered::Full);
        line.abandon("bob", ticket);
        waits(&mut line, "cem", "c1");
        assert_eq!((line.leave(), line.leave()), (Some("c1"), None));
    }

    #[tokio::test]
    async fn a_place_goes_to_the_next_and_past_those_who_left() {
        let queue = Queue::new(1, 4);
        let first = queue.enter("ann").await.unwrap();
        let mut gone = Box::pin(queue.enter("bob"));
        let mut next = Box::pin(queue.enter("cem"));
        assert!(futures::poll!(gone.as_mut()).is_pending() && futures::poll!(next.as_mut()).is_pending());
        assert_eq!(queue.counts(), (1, 2));
        drop(first);
        // Bob was handed the place and leaves without having looked.
        drop(gone);
        let place = next.await.unwrap();
        assert_eq!(queue.counts(), (1, 0));
        drop(place);
        assert_eq!(queue.counts(), (0, 0));
    }

    #[tokio::test]
    async fn who_is_displaced_hears_that_the_queue_is_full() {
        let queue = Queue::new(1, 2);
        let _running = queue.enter("ann").await.unwrap();
        let mut one = Box::pin(queue.enter("ann"));
        let mut two = Box::pin(queue.enter("ann"));
        assert!(futures::poll!(one.as_mut()).is_pending() && futures::poll!(two.as_mut()).is_pending());
        let mut bob = Box::pin(queue.enter("bob"));
        assert!(futures::poll!(bob.as_mut()).is_pending());
        assert_eq!(two.await.unwrap_err(), Full { waiting: 2, retry_after_seconds: 1 });
    }

    #[derive(Debug, Clone)]
    enum Step {
        Enter(u8),
        Leave,
        Abandon(usize),
    }

    proptest! {
        /// Counts always agree with who is really there, limits hold, and nobody waits while a place is free.
        #[test]
        fn the_line_keeps_its_counts(
            max_running in 1..4_usize,
            max_waiting in 0..6_usize,
            steps in proptest::collection::vec(prop_oneof![
                5 => (0..4_u8).prop_map(Step::Enter),
                3 => Just(Step::Leave),
                2 => (0..8_usize).prop_map(Step::Abandon),
            ], 0..200),
        ) {
            let mut line = Line::new(max_running, max_waiting);
            // The oracle: who runs (a number), and who waits by ticket.
            let (mut running, mut waiting) = (0, Vec::new());
            for step in steps {
                match step {
                    Step::Enter(caller) => {
                        let caller = caller.to_string();
                        match line.enter(&caller, line.next_ticket) {
                            Entered::Runs => running += 1,
                            Entered::Waits { ticket, displaced } => {
                                waiting.retain(|(other, _)| Some(*other) != displaced);
                                waiting.push((ticket, caller));
                            }
                            Entered::Full => prop_assert_eq!(waiting.len(), max_waiting),
                        }
                    }
                    Step::Leave if running > 0 => match line.leave() {
                        Some(ticket) => {
                            prop_assert!(waiting.iter().any(|(other, _)| *other == ticket));
                            waiting.retain(|(other, _)| *other != ticket);
                        }
                        None => running -= 1,
                    },
                    Step::Abandon(at) if at < waiting.len() => {
                        let (ticket, caller) = waiting.remove(at);
                        line.abandon(&caller, ticket);
                    }
                    _ => {}
                }
                prop_assert_eq!((line.running, line.waiting), (running, waiting.len()));
                prop_assert!(running <= max_running && waiting.len() <= max_waiting);
                prop_assert!(waiting.is_empty() || running == max_running);
                prop_assert_eq!(line.turns.len(), line.callers.len());
            }
        }
    }
}
