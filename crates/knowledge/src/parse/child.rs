//! The child process that parses: one request in, one answer out, until its input ends.
//! INVARIANT: it opens no file and no connection, and writes no words of a document anywhere but into its answer.

use std::io::{self, Read, Write};
use std::sync::Mutex;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::frame::{self, Answer, LENGTHS_BYTES, MOST_REQUEST_HEADER_BYTES, Request};
use super::{ParsedDocument, parse};
use crate::KnowledgeError;

/// What the child may use, whatever its parent notices.
#[derive(Debug, Clone)]
pub struct ChildLimits {
    /// Bytes of memory beyond those that the program has at its start.
    pub memory_bytes: u64,
    /// Seconds of computing for each document. A child whose parent is gone ends by this.
    pub cpu_s: u64,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, cpu_s: 60 }
    }
}

/// Where the last panic was. Its message may quote the document and goes nowhere.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Answers requests until the input ends. To be called at once by a process that does nothing else.
///
/// # Errors
/// Those of reading and writing, and [`io::ErrorKind::InvalidData`] where the input is no request.
pub fn serve(mut input: impl Read, mut output: impl Write, limits: &ChildLimits) -> io::Result<()> {
    bound_memory(limits.memory_bytes);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        *LAST_PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = place;
    }));
    while let Some((request, bytes)) = read_request(&mut input)? {
        bound_computing(limits.cpu_s);
        let result = parse(&bytes, &request.declared, &request.limits).map_err(with_place);
        drop(bytes);
        write_answer(&mut output, result)?;
    }
    Ok(())
}

fn with_place(error: KnowledgeError) -> KnowledgeError {
    let place = LAST_PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    match (error, place) {
        (KnowledgeError::ParserDied { .. }, Some(place)) => KnowledgeError::died(format!("it stopped at {place}")),
        (error, _) => error,
    }
}

fn read_request(input: &mut impl Read) -> io::Result<Option<(Request, Vec<u8>)>> {
    let mut lengths = [0; LENGTHS_BYTES];
    match input.read_exact(&mut lengths) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let refuse = || io::Error::from(io::ErrorKind::InvalidData);
    let (header, bytes) = frame::checked(lengths, MOST_REQUEST_HEADER_BYTES, u64::MAX).ok_or_else(refuse)?;
    let mut head = vec![0; header];
    input.read_exact(&mut head)?;
    let request: Request = serde_json::from_slice(&head)?;
    if bytes as u64 > request.limits.max_bytes {
        return Err(refuse());
    }
    let mut body = vec![0; bytes];
    input.read_exact(&mut body)?;
    Ok(Some((request, body)))
}

fn write_answer(output: &mut impl Write, result: Result<ParsedDocument, KnowledgeError>) -> io::Result<()> {
    let (answer, text) = Answer::of(result);
    let header = serde_json::to_vec(&answer)?;
    output.write_all(&frame::lengths(&header, text.as_bytes()))?;
    output.write_all(&header)?;
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Bounds memory, and leaves no image of it behind. Where the system refuses, the parent's clock is what remains.
fn bound_memory(bytes: u64) {
    lower(Resource::As, bytes.saturating_add(mapped_bytes()));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
}

/// Bounds the seconds of computing from now on.
fn bound_computing(seconds: u64) {
    let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    lower(Resource::Cpu, used.saturating_add(seconds));
}

fn lower(resource: Resource, limit: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(limit, |maximum| limit.min(maximum)));
    let _ = setrlimit(resource, Rlimit { current, maximum });
}

/// Bytes of address space that the program takes by being there; nothing where the system does not say.
fn mapped_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes = size.and_then(|size| size.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}
