//! The one who writes the index: puts, removes, commits, and rewrites what still holds removed passages.

use std::path::Path;
use std::sync::mpsc::Receiver;

use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, UserOperation};
use tantivy::merge_policy::{LogMergePolicy, NoMergePolicy};
use tantivy::{Index, IndexWriter, TantivyDocument, Term};

use super::failure::{damaged, failure, from_folder, from_io, unusable};
use super::layout::{Fields, register_analysis, schema};
use crate::KnowledgeError;

/// What is gathered in memory before it goes to disk.
const MEMORY_BYTES: usize = 64 << 20;
/// A segment with a larger share of removed passages is rewritten when it can be.
const MAX_REMOVED_SHARE: f32 = 0.3;
/// Files that are there before the first commit.
const FILES_OF_NO_INDEX: &[&str] = &[".managed.json", ".tantivy-meta.lock", ".tantivy-writer.lock"];

/// Opens the index of a folder, or makes one where nothing of an index is in it.
pub(super) fn open_folder(folder: &Path) -> Result<(Index, Fields), KnowledgeError> {
    std::fs::create_dir_all(folder).map_err(|cause| from_io(&cause))?;
    let files = names(folder)?;
    let has = |name: &str| files.iter().any(|file| file == name);
    let (schema, fields) = schema();
    let directory = MmapDirectory::open(folder).map_err(from_folder)?;
    let index = if has("meta.json") {
        if !has(".managed.json") {
            return Err(damaged(".managed.json is missing"));
        }
        open_checked(directory, &schema)?
    } else {
        let left = |file: &&String| !FILES_OF_NO_INDEX.contains(&file.as_str()) && !file.starts_with(".tmp");
        if let Some(file) = files.iter().find(left) {
            return Err(damaged(format!("there is {file}, but no meta.json")));
        }
        Index::open_or_create(directory, schema).map_err(failure)?
    };
    register_analysis(&index);
    Ok((index, fields))
}

fn open_checked(directory: MmapDirectory, schema: &tantivy::schema::Schema) -> Result<Index, KnowledgeError> {
    // Whatever does not fit while it is opened was altered or is of another version.
    let index = Index::open(directory).map_err(|cause| match failure(cause) {
        KnowledgeError::IndexUnusable { detail } => damaged(detail),
        other => other,
    })?;
    if index.schema() != *schema {
        return Err(damaged("meta.json is of another version"));
    }
    let altered = index.validate_checksum().map_err(failure)?;
    match altered.iter().min() {
        Some(file) => Err(damaged(format!("{} is not as it was written", file.display()))),
        None => Ok(index),
    }
}

fn names(folder: &Path) -> Result<Vec<String>, KnowledgeError> {
    let entries = std::fs::read_dir(folder).map_err(|cause| from_io(&cause))?;
    let name =
        |entry: std::io::Result<std::fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into());
    entries.map(name).collect::<Result<_, _>>().map_err(|cause| from_io(&cause))
}

/// The stamp of the last commit, with its bits turned beside it: the file that holds it has no checksum.
pub(super) fn committed_stamp(index: &Index) -> Result<u64, KnowledgeError> {
    let Some(payload) = index.load_metas().map_err(failure)?.payload else {
        return Ok(0);
    };
    let mut parts = payload.split(' ').map(|part| u64::from_str_radix(part, 16));
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(stamp)), Some(Ok(turned)), None) if stamp == !turned => Ok(stamp),
        _ => Err(damaged("meta.json holds no stamp")),
    }
}

/// The writer, and who may still read files of before.
pub(super) struct Writer {
    index: Index,
    fields: Fields,
    /// None only where it could not be made again after a rewrite.
    open: Option<IndexWriter>,
    uncommitted: bool,
    /// One for each view that was shown, the newest last.
    views: Vec<Receiver<()>>,
}

impl Writer {
    pub(super) fn new(index: Index, fields: Fields, view: Receiver<()>) -> Result<Self, KnowledgeError> {
        let open = Some(start(&index)?);
        Ok(Self { index, fields, open, uncommitted: false, views: vec![view] })
    }

    fn open(&mut self) -> Result<&mut IndexWriter, KnowledgeError> {
        self.open.as_mut().ok_or_else(|| unusable("it was closed after an error: open it again"))
    }

    /// Replaces the passages of a document, all in one segment.
    pub(super) fn replace(&mut self, slot: u32, passages: Vec<TantivyDocument>) -> Result<(), KnowledgeError> {
        let old = Term::from_field_u64(self.fields.slot, slot.into());
        let writer = self.open()?;
        if passages.is_empty() {
            writer.delete_term(old);
        } else {
            let added = passages.into_iter().map(UserOperation::Add);
            let operations: Vec<UserOperation> = std::iter::once(UserOperation::Delete(old)).chain(added).collect();
            writer.run(operations).map_err(failure)?;
        }
        self.uncommitted = true;
        Ok(())
    }

    pub(super) fn commit(&mut self, stamp: u64) -> Result<(), KnowledgeError> {
        let mut commit = self.open()?.prepare_commit().map_err(failure)?;
        commit.set_payload(&format!("{stamp:016x} {:016x}", !stamp));
        commit.commit().map_err(failure)?;
        self.uncommitted = false;
        Ok(())
    }

    /// Writes every segment with removed passages anew, without them.
    pub(super) fn rewrite(&mut self, stamp: u64) -> Result<(), KnowledgeError> {
        if self.uncommitted {
            self.commit(stamp)?;
        }
        // Merges under way read segments as they were: they end first, and none begins meanwhile.
        self.finish()?;
        let writer = self.open.insert(start(&self.index)?);
        writer.set_merge_policy(Box::new(NoMergePolicy));
        for segment in self.index.searchable_segment_metas().map_err(failure)? {
            if segment.has_deletes() {
                writer.merge(&[segment.id()]).wait().map_err(failure)?;
            }
        }
        writer.set_merge_policy(Box::new(merge_policy()));
        Ok(())
    }

    /// Closes the index once the merges under way have ended. What was not committed is lost.
    fn finish(&mut self) -> Result<(), KnowledgeError> {
        let Some(writer) = self.open.take() else {
            return Ok(());
        };
        writer.set_merge_policy(Box::new(NoMergePolicy));
        writer.wait_merging_threads().map_err(failure)
    }

    /// A newer view is shown.
    pub(super) fn shown(&mut self, view: Receiver<()>) {
        self.views.retain(|view| view.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected));
        self.views.push(view);
    }

    /// Deletes the files that no segment uses, once nobody reads them.
    pub(super) fn sweep(&mut self) -> Result<(), KnowledgeError> {
        let newest = self.views.pop();
        for view in self.views.drain(..) {
            // Nothing is ever sent: this returns when the view is dropped.
            let _closed = view.recv();
        }
        self.views.extend(newest);
        let swept = self.open()?.garbage_collect_files().wait().map_err(failure)?;
        match swept.failed_to_delete_files.first() {
            Some(file) => Err(unusable(format!("{} cannot be deleted", file.display()))),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    /// Merges would go on writing into a folder that may by then be deleted, or another's.
    fn drop(&mut self) {
        let _ended = self.finish();
    }
}

fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(MAX_REMOVED_SHARE);
    policy
}

fn start(index: &Index) -> Result<IndexWriter, KnowledgeError> {
    let options = IndexWriterOptions::builder().num_worker_threads(1).memory_budget_per_thread(MEMORY_BYTES);
    let writer = index.writer_with_options(options.num_merge_threads(1).build()).map_err(failure)?;
    writer.set_merge_policy(Box::new(merge_policy()));
    Ok(writer)
}
