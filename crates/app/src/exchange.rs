//! One exchange in the making. However it ends (answered, refused, failed, the client gone, the task dropped), it
//! becomes a trace, and it is durable before its last byte leaves.

use std::sync::Arc;
use std::time::Instant;

use access::{Access, Caller};
use domain::{
    Action, CallerRecord, Capture, Decision, ErrorKind, Limits, Outcome, PassageRecord, Price, Provenance, Question,
    Resource, Stage, Timestamp, TokenCounts, Trace, TraceContent, TraceId,
};
use models::{Answered, AnsweredBy, ModelsError, Route};
use serde_json::Value;
use store::{Kept, TraceEntry};
use tokio::task::JoinHandle;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wire::freehold::{Additions, Citation};

use crate::answer::Unanswered;
use crate::app::App;
use crate::assistant;
use crate::decisions::{decide_at, decision};
use crate::error::AppError;
use crate::limiter::{Reservation, WorstCase};
use crate::redact::redact;
use crate::shown::holds_more_than_words;
use crate::transcript::Transcript;

/// The reason of an exchange whose client left before its end.
const CLIENT_GONE: &str = "client_gone";

/// Who asks, and what they said about the request itself.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who asks.
    pub caller: Caller,
    /// The header `Freehold-Purpose`.
    pub purpose: Option<String>,
    /// The header `Freehold-Capture`: only narrows.
    pub capture: Option<Capture>,
}

impl Asker {
    /// What the asker may do now.
    #[must_use]
    pub fn access(&self, app: &App) -> Access {
        Access::of(&app.snapshot(), &self.caller, self.purpose.as_deref(), app.now())
    }

    /// How much of what they ask is kept: the header only narrows what their key says.
    #[must_use]
    pub fn capture(&self) -> Capture {
        self.caller.capture().narrowed_to(self.capture.unwrap_or_default())
    }
}

/// One exchange in the making.
pub struct Exchange {
    app: Arc<App>,
    caller: Caller,
    access: Access,
    started: Instant,
    trace: Trace,
    content: TraceContent,
    /// What the asker's words share with what they were shown before, whether or not a model sees these words: it stays with
    /// the record, which holds them.
    behind: Provenance,
    /// What of it is in context and the asker may no longer read. Nobody is refused their own words: the answer is made from
    /// it all the same, and is not cut.
    beyond: Provenance,
    /// What the answer rests on: what was placed in context, and once it is said what it names.
    citations: Vec<Citation>,
    /// The answers, where they are made from more than words.
    shown: Vec<String>,
    kept: Kept,
    decisions: Vec<Decision>,
    price: Price,
    reservation: Option<Reservation>,
    worst: Option<WorstCase>,
    /// Whether a model was asked: from then on the request costs something.
    asked: bool,
    /// The epoch at which the right to this answer was last checked, and when.
    checked: (u64, Timestamp),
    /// The rules of need to know by which it was made.
    rules: u64,
    finished: bool,
    /// The door waits for this when it closes.
    _open: TaskTrackerToken,
}

impl Exchange {
    /// Opens the books on a request: from here on it leaves a trace. Access and epoch are fixed now.
    #[must_use]
    pub fn begin(app: &Arc<App>, asker: &Asker) -> Self {
        app.counters.start();
        let access = asker.access(app);
        let trace = opening(app, asker, &access);
        let checked = (access.epoch(), app.now());
        Self {
            app: app.clone(),
            caller: asker.caller.clone(),
            access,
            started: Instant::now(),
            trace,
            content: TraceContent::default(),
            behind: Provenance::default(),
            beyond: Provenance::default(),
            citations: Vec::new(),
            shown: Vec::new(),
            kept: Kept::default(),
            decisions: Vec::new(),
            price: Price::default(),
            reservation: None,
            worst: None,
            asked: false,
            checked,
            rules: app.need_to_know.number(),
            finished: false,
            _open: app.tasks.token(),
        }
    }

    /// The trace's id, unless the capture mode keeps no row.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        (self.trace.capture != Capture::None).then_some(self.trace.id)
    }

    /// What the asker may do, fixed at the start.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Who asks, as they asked.
    pub(crate) fn asker(&self) -> Asker {
        let purpose = self.trace.caller.purpose.clone();
        Asker { caller: self.caller.clone(), purpose, capture: Some(self.trace.capture) }
    }

    /// What everything in context was made from so far.
    pub(crate) fn provenance(&self) -> Provenance {
        let mut all = self.trace.provenance.clone();
        all.extend(&self.beyond);
        all
    }

    /// The same with what the words were made from that the record holds, in context or not.
    pub(crate) fn recorded_provenance(&self) -> Provenance {
        let mut all = self.provenance();
        all.extend(&self.behind);
        all
    }

    /// Something more is placed in context: from now on what is said is made from it too.
    pub(crate) fn made_from(&mut self, provenance: &Provenance) {
        self.trace.provenance.extend(provenance);
    }

    /// Words that the asker sent: where they share enough with what the asker was shown, they were made from that too. Answers
    /// what each of them was made from besides.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) async fn takes_words(&mut self, words: Vec<String>) -> Result<Vec<Provenance>, AppError> {
        let app = self.app.clone();
        let behind = app.shown.behind(&app, self.access.principal(), words).await?;
        behind.iter().for_each(|behind| self.behind.extend(behind));
        Ok(behind)
    }

    /// All words that were taken are placed in context.
    pub(crate) fn places_all_words(&mut self) {
        self.places(&self.behind.clone());
    }

    /// Words that were made from this besides are placed in context.
    pub(crate) fn places(&mut self, behind: &Provenance) {
        if self.access.reading_all(behind).allowed {
            return self.made_from(behind);
        }
        for source in behind.sources() {
            let mut one = Provenance::default();
            one.add(source.clone());
            match self.access.reading_all(&one).allowed {
                true => self.made_from(&one),
                false => self.beyond.extend(&one),
            }
        }
    }

    /// Whether the asker may read everything that their words were made from.
    pub(crate) fn may_read_words_back(&self) -> bool {
        self.access.reading_all(&self.behind).allowed
    }

    /// Quotes are placed in context.
    pub(crate) fn rests_on(&mut self, citations: &[Citation], provenance: &Provenance) {
        self.citations = citations.to_vec();
        self.made_from(provenance);
    }

    /// Passages that were placed in context, built only where content is kept.
    pub(crate) fn set_passages(&mut self, passages: impl FnOnce() -> Vec<PassageRecord>) {
        if self.keeps_content() {
            self.content.passages = passages();
        }
    }

    /// A task was called, and not a model by itself.
    pub(crate) fn called(&mut self, task: &str, version: u32) {
        task.clone_into(&mut self.trace.task);
        self.trace.task_version = version;
    }

    /// The id of a reply that no model gives.
    pub(crate) fn reply_id(&self) -> String {
        format!("chatcmpl-{}", self.trace.id.uuid().simple())
    }

    /// Whether the asker may use this model, by what they may do at the start of the exchange; the decision is
    /// recorded where the model has a name here.
    pub(crate) fn may_use(&mut self, model: Option<&str>) -> bool {
        let verdict = self.access.use_of_base_models();
        let allowed = verdict.allowed;
        if let Some(name) = model {
            let question = self.question(Action::Use, Resource::Model { name: name.to_owned() });
            let policy_hash = self.access.policy_hash().map(ToOwned::to_owned);
            self.decided(decision(&self.app, (self.access.epoch(), policy_hash), question, verdict));
        }
        allowed
    }

    fn question(&self, action: Action, resource: Resource) -> Question {
        Question { caller: CallerRecord { subject: None, ..self.trace.caller.clone() }, action, resource }
    }

    fn decided(&mut self, decision: Decision) {
        self.decisions.push(Decision { trace: Some(self.trace.id), ..decision });
    }

    /// The record so far.
    pub(crate) const fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// For which outside customer of a service.
    pub fn set_subject(&mut self, subject: Option<String>) {
        self.trace.caller.subject = subject;
    }

    /// Which model was asked for, whatever the client calls it, and at what price. A name that leads nowhere is the
    /// client's words, and not kept here.
    pub fn routed_to(&mut self, route: &Route) {
        route.model().clone_into(&mut self.trace.task);
        self.price = route.price();
    }

    /// Asks a model: whoever leaves from here on has had it work, unless nobody answers. The error is the model's.
    pub(crate) async fn ask<T>(
        &mut self,
        asked: impl Future<Output = Result<Answered<T>, ModelsError>>,
    ) -> Result<T, ModelsError> {
        self.set_asked(true);
        let answered = asked.await.inspect_err(|_| self.set_asked(false))?;
        self.answered_by(&answered.by);
        Ok(answered.value)
    }

    /// Who answered.
    pub(crate) fn answered_by(&mut self, by: &AnsweredBy) {
        self.asked = true;
        self.trace.model = Some(by.model.clone());
        self.trace.upstream = Some(by.upstream.clone());
        self.trace.weights_hash.clone_from(&by.weights_hash);
        self.price = by.price;
        self.note("queue", by.queue_ms);
    }

    /// Whether a model is asked: from then on the request costs something, unless nobody answers.
    pub(crate) const fn set_asked(&mut self, asked: bool) {
        self.asked = asked;
    }

    /// What was said, and what it took.
    pub fn said(&mut self, transcript: &Transcript) {
        if let Some(usage) = transcript.usage() {
            self.took(
                u64::from(usage.prompt_tokens),
                u64::from(usage.cached_tokens()),
                u64::from(usage.completion_tokens),
            );
        }
        if transcript.usage().is_none() {
            // Cut off before the upstream could say: at least the pieces that came were tokens.
            self.took(0, 0, transcript.pieces());
        }
        let names = |n: u32| transcript.answers().iter().any(|answer| names(answer.message.content.as_deref(), n));
        self.citations.retain(|citation| names(citation.n));
        self.trace.logprobs = transcript.logprob_summary();
        if holds_more_than_words(&self.provenance()) {
            let words = transcript.answers().iter().map(|answer| answer.message.all_words());
            // Our own sentence tells nothing of a document.
            self.shown = words.filter(|words| !assistant::is_nothing_found(words)).collect();
        }
        self.set_output(|| transcript.output());
    }

    /// The tokens it took, and from them the cost.
    pub fn took(&mut self, prompt: u64, cached: u64, completion: u64) {
        self.trace.tokens = TokenCounts { prompt, cached, completion };
        self.trace.cost_micro_usd = self.price.cost_micro_usd(prompt, completion);
    }

    /// What Freehold adds to the reply.
    #[must_use]
    pub fn additions(&self) -> Additions {
        Additions {
            trace: self.trace_id(),
            task: (self.trace.task_version > 0).then(|| self.trace.task.clone()),
            model: self.trace.model.clone(),
            adapter: self.trace.adapter.clone(),
            citations: self.citations.clone(),
            cost_micro_usd: self.trace.cost_micro_usd,
        }
    }

    /// Whether the key has limits at all.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.caller.limits() != Limits::default()
    }

    /// Holds a place within the key's limits until the end; where it holds one, for as much as this.
    ///
    /// # Errors
    /// [`AppError::Limited`] says which limit stands in the way.
    pub async fn reserve(&mut self, app: &App, worst: WorstCase) -> Result<(), AppError> {
        let Some(key) = self.caller.key() else { return Ok(()) };
        let now = app.now();
        let spent = if app.limiter.knows_month(key, now) {
            0
        } else {
            app.store.spent_micro_usd(key, now.month_index()).await?
        };
        let limits = self.caller.limits();
        match &mut self.reservation {
            Some(held) => held.raise(&limits, worst, now)?,
            None => self.reservation = Some(app.limiter.reserve(key, &limits, worst, now, spent)?),
        }
        self.worst = Some(worst);
        Ok(())
    }

    /// Keeps less of this exchange than the key and the header say.
    pub fn narrow_capture(&mut self, capture: Capture) {
        self.trace.capture = self.trace.capture.narrowed_to(capture);
    }

    /// How much of this exchange is kept.
    #[must_use]
    pub const fn capture(&self) -> Capture {
        self.trace.capture
    }

    /// Whether content is kept at all: where not, nobody needs to gather it.
    #[must_use]
    pub fn keeps_content(&self) -> bool {
        self.trace.capture >= Capture::Redacted
    }

    /// The input before templating, built only where it is kept.
    pub fn set_input(&mut self, input: impl FnOnce() -> Value) {
        if self.keeps_content() {
            self.content.input = input();
        }
    }

    /// The output, built only where it is kept.
    pub fn set_output(&mut self, output: impl FnOnce() -> Value) {
        if self.keeps_content() {
            self.content.output = output();
        }
    }

    /// What the client attached.
    pub fn set_metadata(&mut self, metadata: impl FnOnce() -> Option<Value>) {
        if self.keeps_content() {
            self.content.metadata = metadata();
        }
    }

    /// What is kept for later when the answer is: durable with its trace, or not at all.
    pub(crate) fn keep(&mut self, kept: Kept) {
        self.kept = kept;
    }

    /// Notes that a stage ended now, counted from the start of the request.
    pub fn mark(&mut self, stage: &str) {
        let ms = self.elapsed_ms();
        self.note(stage, ms);
    }

    /// Notes a stage's duration.
    pub fn note(&mut self, stage: &str, ms: f64) {
        self.trace.stages.push(Stage { name: stage.to_owned(), ms });
    }

    /// Notes when the first token came, once.
    pub fn first_token(&mut self) {
        if self.trace.stages.iter().all(|stage| stage.name != "first_token") {
            self.mark("first_token");
        }
    }

    /// docs/access.md, rule 11: before more of an answer is released, the right to it is checked again if anything about
    /// rights has changed since, and each second, since keys and grants end by themselves.
    ///
    /// # Errors
    /// [`AppError::AccessChanged`].
    pub fn recheck(&mut self) -> Result<(), AppError> {
        let (snapshot, now) = (self.app.snapshot(), self.app.now());
        // One's own words alone are one's own, whatever else a key is for.
        let reads = holds_more_than_words(&self.trace.provenance);
        if reads && self.app.need_to_know.number() != self.rules {
            return Err(AppError::AccessChanged);
        }
        let (epoch, at) = self.checked;
        if snapshot.epoch() == epoch && now < at.plus_seconds(1) {
            return Ok(());
        }
        self.checked = (snapshot.epoch(), now);
        let model = Resource::Model { name: self.trace.task.clone() };
        let mut may_go_on = self.caller.recheck(snapshot.directory(), now).is_ok();
        let reading = reads.then(|| (Action::Read, self.resource()));
        for (action, resource) in std::iter::once((Action::Use, model)).chain(reading) {
            let decision = decide_at(&self.app, &snapshot, self.question(action, resource));
            if !decision.verdict.allowed {
                may_go_on = false;
                self.decided(decision);
            }
        }
        if may_go_on { Ok(()) } else { Err(AppError::AccessChanged) }
    }

    /// This exchange, as a decision about reading it names it.
    fn resource(&self) -> Resource {
        let Trace { id, caller, provenance, .. } = &self.trace;
        Resource::Trace { trace: *id, owner: Some(caller.principal), provenance: provenance.clone(), facts: Vec::new() }
    }

    fn elapsed_ms(&self) -> f64 {
        // Microseconds are enough for a person and short in JSON.
        (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }

    /// An answer is whole: it becomes durable here, before its last byte leaves.
    ///
    /// # Errors
    /// The state cannot be written: the answer must not go out as if it had been recorded.
    pub async fn answered(mut self) -> Result<(), Unanswered> {
        self.close(Outcome::Answered, None);
        self.record().await.map_err(|error| Unanswered { error, trace: None })
    }

    /// The request ends with an error, which is passed on; if even that cannot be recorded, the log says so.
    pub async fn unanswered(mut self, error: AppError) -> Unanswered {
        let outcome = match error.kind() {
            ErrorKind::Internal | ErrorKind::Timeout | ErrorKind::Unavailable => Outcome::Failed,
            _ => Outcome::Refused,
        };
        self.close(outcome, Some(error.code()));
        let trace = match self.record().await {
            Ok(()) => self.trace_id(),
            Err(_) => None,
        };
        Unanswered { error, trace }
    }

    /// The request was turned away before a verb saw it, under this code.
    pub async fn turned_away(mut self, outcome: Outcome, code: &str) -> Option<TraceId> {
        self.close(outcome, Some(code));
        self.record().await.ok().and_then(|()| self.trace_id())
    }

    fn close(&mut self, outcome: Outcome, reason: Option<&str>) {
        self.mark("total");
        self.trace.outcome = outcome;
        self.trace.reason = reason.map(ToOwned::to_owned);
        self.finished = true;
        self.settle(reason == Some(CLIENT_GONE));
        self.app.counters.count(&self.trace);
    }

    /// Replaces what was reserved by what was taken. Whoever leaves before the count has come pays the worst case: the
    /// model may have worked that much, and leaving must not be a way around a limit.
    fn settle(&mut self, has_left: bool) {
        let Some(reservation) = self.reservation.take() else { return };
        let tokens = self.trace.tokens;
        match self.worst {
            Some(worst) if has_left && self.asked && tokens.prompt == 0 => {
                self.trace.cost_micro_usd = worst.cost_micro_usd;
                reservation.settle(worst.tokens, worst.cost_micro_usd);
            }
            _ => reservation.settle(tokens.prompt + tokens.completion, self.trace.cost_micro_usd),
        }
    }

    /// Takes out of the exchange what its capture mode lets reach the disk: under `none` that is the key's spending.
    fn entry(&mut self) -> TraceEntry {
        let content = std::mem::take(&mut self.content);
        let content = match self.trace.capture {
            Capture::None | Capture::Usage => None,
            Capture::Redacted => Some(redacted(content)),
            Capture::Full => Some(content),
        };
        let (kept, mut decisions) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.decisions));
        for decision in &mut decisions {
            decision.task.clone_from(&self.trace.task);
        }
        let trace = Trace { provenance: self.recorded_provenance(), ..self.trace.clone() };
        TraceEntry { trace, content, kept, decisions }
    }

    /// Records in a task of its own: a client that leaves now takes nothing away.
    fn record_in_background(&mut self) -> JoinHandle<Result<(), AppError>> {
        let (entry, app) = (self.entry(), self.app.clone());
        let keeps_no_row = self.trace.capture == Capture::None;
        let (who, provenance) = (self.access.principal(), self.provenance());
        let shown = std::mem::take(&mut self.shown).into_iter().map(|words| (provenance.clone(), words)).collect();
        self.app.tasks.spawn(async move {
            let remembered = app.shown.remember(&app, who, shown).await;
            // The limiter knows already what was spent: what goes to the disk is only for the time after a restart.
            let recorded =
                if keeps_no_row { app.store.record_behind(entry).await } else { app.store.record(entry).await };
            let done = recorded.map_err(AppError::from).and(remembered);
            done.inspect_err(|error| tracing::error!(%error, "an exchange could not be recorded"))
        })
    }

    /// Resolves once it is durable, or handed over where no row is kept.
    async fn record(&mut self) -> Result<(), AppError> {
        match self.record_in_background().await {
            Ok(recorded) => recorded,
            // The runtime is going down: nothing more can be recorded or answered.
            Err(_) => Err(AppError::ShuttingDown),
        }
    }
}

impl Drop for Exchange {
    /// The client left or the task was cancelled: what there is becomes a failed trace in the background.
    fn drop(&mut self) {
        if !self.finished {
            self.close(Outcome::Failed, Some(CLIENT_GONE));
            self.record_in_background();
        }
    }
}

/// Whether an answer names a quote by its number.
fn names(words: Option<&str>, n: u32) -> bool {
    words.is_some_and(|words| words.contains(&format!("[{n}]")))
}

/// The record at the moment of the request.
fn opening(app: &App, asker: &Asker, access: &Access) -> Trace {
    let now = app.now();
    Trace {
        id: TraceId::from_uuid(app.ids.uuid(now)),
        created_at: now,
        task: String::new(),
        task_version: 0,
        caller: asker.caller.record(asker.purpose.clone(), None),
        epoch: access.epoch(),
        capture: asker.capture(),
        outcome: Outcome::Failed,
        reason: None,
        model: None,
        adapter: None,
        weights_hash: None,
        upstream: None,
        prompt_hash: None,
        configuration_hash: None,
        provenance: Provenance::words_of(asker.caller.principal()),
        tokens: TokenCounts::default(),
        logprobs: None,
        stages: Vec::new(),
        cost_micro_usd: 0,
    }
}

fn redacted(content: TraceContent) -> TraceContent {
    TraceContent {
        input: redact(content.input),
        output: redact(content.output),
        passages: content.passages,
        metadata: content.metadata.map(redact),
    }
}
