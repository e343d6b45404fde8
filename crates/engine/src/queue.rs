//! The bounded way from the HTTP side to the model thread.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::counters::Counters;
use crate::error::EngineError;
use crate::job::Job;
use crate::scheduler::Command;

/// Sends commands; cheap to clone.
#[derive(Clone)]
pub(crate) struct Queue {
    commands: Sender<Command>,
    counters: Arc<Counters>,
    /// Most sequences that wait.
    capacity: usize,
    slots: usize,
}

impl Queue {
    pub(crate) fn new(commands: Sender<Command>, counters: Arc<Counters>, capacity: usize, slots: usize) -> Self {
        Self { commands, counters, capacity, slots }
    }

    /// Hands over the sequences of one request, all or none.
    ///
    /// # Errors
    /// `QueueFull` where they do not fit, `Unavailable` where the model thread has ended.
    pub(crate) fn submit(&self, jobs: Vec<Job>) -> Result<(), EngineError> {
        let count = jobs.len();
        if let Err(waiting) = self.counters.waiting.add_within(count, self.capacity) {
            self.counters.refused.add(1);
            return Err(EngineError::QueueFull {
                waiting: usize::try_from(waiting).unwrap_or(usize::MAX),
                retry_after_seconds: self.counters.retry_after_seconds(self.slots),
            });
        }
        self.send(Command::Submit(jobs)).inspect_err(|_| self.counters.waiting.subtract(count))
    }

    /// Sends a command that does not wait in line.
    pub(crate) fn send(&self, command: Command) -> Result<(), EngineError> {
        let ended = |_| EngineError::Unavailable("the engine is stopping; ask again soon".to_owned());
        self.commands.send(command).map_err(ended)
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }
}
