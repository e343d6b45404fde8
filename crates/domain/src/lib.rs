//! Ids, error kinds, records and units of Freehold: no I/O, no async.
//!
//! Every other crate may use this one; it uses none of them. Record types are plain data with public
//! fields. Evidence types, which prove that a check was made, live in `access`.

mod break_glass;
mod capture;
mod decision;
mod error;
mod id;
mod identity;
mod limits;
mod list;
mod provenance;
mod scope;
mod time;
mod trace;

pub use break_glass::BreakGlass;
pub use capture::Capture;
pub use decision::{Decision, Question, Reason, Resource, Rule, Verdict};
pub use error::ErrorKind;
pub use id::{
    AdapterId, BreakGlassId, ConversationId, DatasetId, DecisionId, DocumentId, ErasureId, FeedbackId, GroupId,
    IdError, JobId, KeyId, LinkId, PersonId, ReportId, RequestId, ResponseId, RunId, ServiceId, SourceId, TaskId,
    TraceId, UpstreamId,
};
pub use identity::{Action, Member, Principal, Role, Token};
pub use limits::{Cost, Limits, Price};
pub use list::{AccessList, AttributeValue, Attributes, DocumentFacts, DocumentState, HeldList, ListToken, Quality};
pub use provenance::{Provenance, Source};
pub use scope::Scope;
pub use time::{Clock, Timestamp};
pub use trace::{
    CallerRecord, Feedback, FeedbackKind, LogprobSummary, Outcome, PassageRecord, Stage, TokenCounts, Trace,
    TraceContent,
};
