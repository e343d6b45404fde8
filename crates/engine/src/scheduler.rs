//! The model thread: continuous batching over slots in one llama.cpp context.
//!
//! Each sequence has tokens it still has to compute: its prompt at first, one token from then on. A step puts
//! some of all of them into one batch per adapter, so no stream stalls while another's prompt is long.

mod adapters;
mod answer;
mod pace;
mod plan;
mod run;
mod sequences;

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::counters::Counters;
use crate::error::EngineError;
use crate::job::{Event, Job};
use crate::native::{Batch, Context, DecodeFailure, Model};
use crate::vocabulary::Vocabulary;
use adapters::Adapters;
use pace::Pace;
use run::Run;
use sequences::Sequences;

/// What the HTTP side asks of the model thread.
pub(crate) enum Command {
    /// Sequences to run; those of one request come together.
    Submit(Vec<Job>),
    LoadAdapter {
        name: String,
        path: PathBuf,
        reply: oneshot::Sender<Result<(), EngineError>>,
    },
    UnloadAdapter {
        name: String,
        reply: oneshot::Sender<Result<(), EngineError>>,
    },
    Adapters {
        reply: oneshot::Sender<Vec<(String, PathBuf)>>,
    },
    SetThreads(u32),
    /// Finish what runs and waits, then end.
    Stop,
}

/// Bounds of a scheduler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Sequences that run at once.
    pub(crate) slots: usize,
    /// Sequence numbers of the context; those above `slots` keep cached prefixes.
    pub(crate) sequences: usize,
    /// Most tokens of one batch.
    pub(crate) batch: usize,
    /// Most rows of logits of one batch.
    pub(crate) outputs: usize,
    /// Whether sequences can share and keep prefixes (not with recurrent state or a sliding window).
    pub(crate) reuse: bool,
}

/// Fewer tokens than this are computed rather than waited for.
const WORTH_WAITING: usize = 32;
/// Cells set aside for the answer when a sequence is admitted; beyond them the youngest sequence gives way.
const ANSWER_RESERVE: usize = 64;

/// Owns the context and all sequences.
pub(crate) struct Scheduler {
    context: Context,
    batch: Batch,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    sequences: Sequences,
    adapters: Adapters,
    waiting: VecDeque<Run>,
    running: Vec<Run>,
    pace: Pace,
    counters: Arc<Counters>,
    stopping: bool,
    next_id: u64,
}

impl Scheduler {
    pub(crate) fn new(
        model: &Arc<Model>,
        vocabulary: Arc<Vocabulary>,
        context: Context,
        limits: Limits,
        counters: Arc<Counters>,
    ) -> Self {
        counters.kv_total.set(context.cells());
        Self {
            context,
            batch: Batch::default(),
            vocabulary,
            limits,
            sequences: Sequences::new(limits.sequences),
            adapters: Adapters::new(Arc::clone(model)),
            waiting: VecDeque::new(),
            running: Vec::new(),
            pace: Pace::default(),
            counters,
            stopping: false,
            next_id: 0,
        }
    }

    /// Works until it is told to stop, or nobody can send commands any more.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            if self.running.is_empty() && self.waiting.is_empty() {
                if self.stopping {
                    return;
                }
                match commands.recv() {
                    Ok(command) => self.apply(command),
                    Err(_) => return,
                }
            }
            while let Ok(command) = commands.try_recv() {
                self.apply(command);
            }
            self.drop_cancelled();
            self.admit();
            self.step();
            self.measure();
        }
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Submit(jobs) => self.take_in(jobs),
            Command::LoadAdapter { name, path, reply } => {
                // Whoever asked may have left; then nobody is interested in the answer.
                let _ = reply.send(self.adapters.load(name, path));
            }
            Command::UnloadAdapter { name, reply } => {
                let _ = reply.send(self.unload(&name));
            }
            Command::Adapters { reply } => {
                let _ = reply.send(self.adapters.list());
            }
            Command::SetThreads(threads) => self.context.set_threads(threads),
            Command::Stop => self.stopping = true,
        }
    }

    fn take_in(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            match self.adapters.resolve(job.adapter.as_deref()) {
                Ok(adapter) => {
                    self.next_id += 1;
                    self.waiting.push_back(Run::new(self.next_id, job, adapter, &self.vocabulary));
                }
                Err(error) => {
                    self.counters.waiting.subtract(1);
                    let _ = job.events.send((job.index, Event::Failed(error)));
                }
            }
        }
    }

    fn unload(&mut self, name: &str) -> Result<(), EngineError> {
        let adapter = self.adapters.resolve(Some(name))?;
        if self.running.iter().chain(&self.waiting).any(|run| run.adapter == adapter) {
            let message = format!("the adapter `{name}` answers a request now; unload it when that has ended");
            return Err(EngineError::AdapterConflict(message));
        }
        self.sequences.forget_adapter(adapter, &mut self.context);
        self.adapters.unload(adapter, &mut self.context);
        Ok(())
    }

    /// Frees what belongs to clients that are gone.
    fn drop_cancelled(&mut self) {
        let before = self.waiting.len();
        self.waiting.retain(|run| !run.is_abandoned());
        self.counters.waiting.subtract(before - self.waiting.len());
        self.counters.cancelled.add(before - self.waiting.len());
        for place in (0..self.running.len()).rev() {
            if self.running[place].is_abandoned() {
                let run = self.running.remove(place);
                self.counters.cancelled.add(1);
                self.sequences.retire(run, self.limits.reuse, &mut self.context);
            }
        }
    }

    /// Gives slots to those who wait, first come first served, while the cache has room.
    fn admit(&mut self) {
        while self.running.len() < self.limits.slots {
            let Some(run) = self.waiting.front() else { return };
            let used: usize = self.running.iter().map(|other| other.own_cells() + ANSWER_RESERVE).sum();
            let shared = self.running.iter().map(|other| run.shareable_with(other)).max().unwrap_or(0);
            let needed = run.length() - shared + ANSWER_RESERVE;
            if !self.running.is_empty() && used + needed > self.context.cells() {
                return;
            }
            let Some(mut run) = self.waiting.pop_front() else { return };
            self.counters.waiting.subtract(1);
            run.planned_shared = shared;
            self.sequences.assign(&mut run, self.limits.reuse, &mut self.context);
            self.running.push(run);
        }
    }

    /// Lets sequences that begin alike compute their common prefix once. Returns who waits for another's prefix.
    fn follow_leaders(&mut self) -> Vec<bool> {
        let mut blocked = vec![false; self.running.len()];
        if !self.limits.reuse {
            return blocked;
        }
        for (place, is_blocked) in blocked.iter_mut().enumerate() {
            let run = &self.running[place];
            if run.computed >= run.reuse_limit() {
                continue;
            }
            let others = self.running.iter().filter(|other| other.id != run.id);
            // Of equal ones take who has it already, else who came first.
            let rank = |(shared, other): &(usize, &Run)| (*shared, other.computed >= *shared, Reverse(other.id));
            let best = others.map(|other| (run.shareable_with(other), other)).max_by_key(rank);
            let Some((shared, leader)) = best.filter(|(shared, _)| *shared > run.computed) else { continue };
            if leader.computed >= shared {
                let (source, target) = (leader.sequence, run.sequence);
                self.context.forget(target, 0);
                self.context.share(source, target, shared);
                self.running[place].computed = shared;
            } else if leader.id < run.id && shared - run.computed >= WORTH_WAITING {
                *is_blocked = true;
            }
        }
        blocked
    }

    fn step(&mut self) {
        let blocked = self.follow_leaders();
        let demands: Vec<plan::Demand> =
            self.running.iter().zip(&blocked).map(|(run, blocked)| run.demand(*blocked)).collect();
        let decoding = demands.iter().any(|demand| demand.decoding);
        let budget = self.pace.budget(decoding, self.limits.batch);
        let takes = plan::share_out(&demands, budget, self.limits.outputs);
        let mut adapters: Vec<adapters::AdapterId> = self.running.iter().map(|run| run.adapter).collect();
        adapters.sort_unstable();
        adapters.dedup();
        for adapter in adapters {
            if !self.decode(adapter, &takes) {
                // Room was made by sending a sequence back to wait: the plan no longer holds.
                break;
            }
        }
        self.retire_finished();
    }

    /// Runs one batch of the sequences that use `adapter`. False where the plan must be made anew.
    fn decode(&mut self, adapter: adapters::AdapterId, takes: &[usize]) -> bool {
        self.batch.clear();
        let mut rows = Vec::new();
        for (place, take) in takes.iter().enumerate().filter(|(_, take)| **take > 0) {
            let run = &mut self.running[place];
            if run.adapter == adapter {
                run.announce(&self.counters);
                run.fill(&mut self.batch, *take, |row| rows.push((place, row)));
            }
        }
        if self.batch.is_empty() {
            return true;
        }
        self.adapters.select(adapter, &mut self.context);
        let start = Instant::now();
        match self.context.decode(&mut self.batch) {
            Ok(()) => {}
            Err(DecodeFailure::NoRoom) => return self.make_room(),
            Err(DecodeFailure::Broken(code)) => return self.fail(adapter, code),
        }
        for (place, take) in takes.iter().enumerate() {
            let run = &mut self.running[place];
            if run.adapter == adapter {
                run.computed += take;
            }
        }
        for (place, row) in rows {
            let written = self.running[place].take_row(self.context.logits(row), &self.vocabulary);
            self.counters.generated_tokens.add(usize::from(written));
        }
        self.pace.record(self.batch.len(), start.elapsed());
        self.counters.steps.add(1);
        true
    }

    /// Frees cells: cached prefixes first, then the youngest sequence, which computes its tokens again later.
    fn make_room(&mut self) -> bool {
        if self.sequences.evict_oldest(&mut self.context) {
            return false;
        }
        if self.running.len() > 1 {
            let youngest = self.running.iter().enumerate().max_by_key(|(_, run)| run.id).map(|(place, _)| place);
            if let Some(place) = youngest {
                let mut run = self.running.remove(place);
                self.sequences.release(run.sequence, &mut self.context);
                run.computed = 0;
                self.counters.waiting.add(1);
                self.waiting.push_front(run);
            }
            return false;
        }
        for run in &mut self.running {
            run.fail(EngineError::Computation("the cache has no room for this request".to_owned()));
        }
        false
    }

    fn fail(&mut self, adapter: adapters::AdapterId, code: i32) -> bool {
        tracing::error!(code, reason = crate::native::last_error(), "a batch failed");
        for run in self.running.iter_mut().filter(|run| run.adapter == adapter) {
            // Its cells are undefined now, so nothing of it may be kept.
            run.computed = 0;
            run.fail(EngineError::Computation(format!("code {code}")));
        }
        true
    }

    fn retire_finished(&mut self) {
        for place in (0..self.running.len()).rev() {
            if self.running[place].is_over() {
                let run = self.running.remove(place);
                self.counters.finished.add(1);
                self.counters.record_duration(run.since.elapsed());
                self.sequences.retire(run, self.limits.reuse, &mut self.context);
            }
        }
    }

    fn measure(&self) {
        let live: usize = self.running.iter().map(Run::own_cells).sum();
        self.counters.running.set(self.running.len());
        self.counters.kv_used.set((live + self.sequences.kept_tokens()).min(self.context.cells()));
    }
}
