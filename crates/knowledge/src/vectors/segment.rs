//! A part of the index that never changes: documents with their vectors, coded, and the vectors as they were given. A
//! newer part that names the same slot takes the place of an older one, also where it holds no vector for it.

use std::path::PathBuf;

use super::clusters::{Clusters, WORTH_CLUSTERS, cluster};
use super::codes::Codes;
use super::files::Folder;
use super::originals::{Originals, Sink};
use crate::KnowledgeError;

/// The documents of a segment, in the order of their slots. Their vectors have places, one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) slots: Vec<u32>,
    pub(super) versions: Vec<u32>,
    /// The place of each document's first vector, and at last the number of vectors. A document with none is one that
    /// was taken away.
    pub(super) firsts: Vec<u32>,
}

impl Directory {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The places of a document's vectors.
    pub(super) fn places(&self, document: usize) -> std::ops::Range<usize> {
        self.firsts[document] as usize..self.firsts[document + 1] as usize
    }

    pub(super) fn find(&self, slot: u32) -> Option<usize> {
        self.slots.binary_search(&slot).ok()
    }
}

/// See the head of this file. Rows are vectors in the order of clusters; places are vectors in the order of documents.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) directory: Directory,
    /// By row.
    pub(super) codes: Codes,
    /// The document of each row.
    pub(super) owners: Vec<u32>,
    /// The place of each row.
    pub(super) places: Vec<u32>,
    /// The row at each place.
    pub(super) rows: Vec<u32>,
    pub(super) clusters: Clusters,
    pub(super) originals: Originals,
    /// Its files, where it has any, and the checksum of the one with the codes.
    pub(super) file: Option<(u64, u64)>,
}

impl Segment {
    /// How much there is of it, for deciding what to merge: a document costs something even when it is empty.
    pub(super) fn weight(&self) -> usize {
        self.codes.len() + self.directory.len()
    }
}

/// A segment in the making: documents arrive in the order of their slots.
pub(super) struct Draft {
    directory: Directory,
    codes: Codes,
    sink: Sink,
    home: Option<(u64, PathBuf)>,
    folder: Folder,
}

impl Draft {
    pub(super) fn in_memory(dimensions: usize, folder: &Folder) -> Self {
        let directory = Directory { firsts: vec![0], ..Directory::default() };
        let (codes, sink) = (Codes::new(dimensions), Sink::Memory(Vec::new()));
        Self { directory, codes, sink, home: None, folder: folder.clone() }
    }

    pub(super) fn in_file(dimensions: usize, folder: &Folder, number: u64) -> Result<Self, KnowledgeError> {
        let sink = Sink::file(folder.vectors(number), number)?;
        Ok(Self { sink, home: Some((number, folder.codes(number))), ..Self::in_memory(dimensions, folder) })
    }

    /// A new document, with vectors of length 1.
    pub(super) fn add(&mut self, slot: u32, version: u32, vectors: &[Vec<f32>]) -> Result<(), KnowledgeError> {
        for vector in vectors {
            self.sink.push(self.codes.len(), vector)?;
            self.codes.push(vector);
        }
        self.close(slot, version);
        Ok(())
    }

    /// A document of another segment, as it is there.
    pub(super) fn copy(&mut self, from: &Segment, document: usize, room: &mut Vec<f32>) -> Result<(), KnowledgeError> {
        let (places, dimensions) = (from.directory.places(document), self.codes.dimensions);
        let vectors = from.originals.read(places.clone(), dimensions, room)?;
        for (place, vector) in places.zip(vectors.chunks_exact(dimensions)) {
            self.sink.push(self.codes.len(), vector)?;
            self.codes.push_coded(&from.codes, from.rows[place] as usize);
        }
        self.close(from.directory.slots[document], from.directory.versions[document]);
        Ok(())
    }

    fn close(&mut self, slot: u32, version: u32) {
        self.directory.slots.push(slot);
        self.directory.versions.push(version);
        self.directory.firsts.push(self.codes.len() as u32);
    }

    /// The segment; `clustered` where it is to be read by clusters and is large enough to gain by it. In a file it is
    /// durable from here on, though nothing names it yet.
    pub(super) fn finish(self, clustered: bool) -> Result<Segment, KnowledgeError> {
        let count = self.codes.len();
        let originals = self.sink.finish(self.codes.dimensions, count)?;
        let (clusters, places) = if clustered && count >= WORTH_CLUSTERS {
            cluster(&self.codes)
        } else {
            (Clusters::none(count as u32), (0..count as u32).collect())
        };
        let codes = if clusters.len() > 1 { self.codes.in_order(&places) } else { self.codes };
        let (owners, rows) = owners_and_rows(&self.directory, &places);
        let mut segment =
            Segment { directory: self.directory, codes, owners, places, rows, clusters, originals, file: None };
        if let Some((number, path)) = self.home {
            segment.file = Some((number, super::record::write(&segment, &path)?));
            self.folder.sync()?;
        }
        Ok(segment)
    }
}

/// The document of each row and the row at each place, from the place of each row.
pub(super) fn owners_and_rows(directory: &Directory, places: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut owner_at = vec![0; places.len()];
    for document in 0..directory.len() {
        owner_at[directory.places(document)].fill(document as u32);
    }
    let mut rows = vec![0; places.len()];
    for (row, place) in places.iter().enumerate() {
        rows[*place as usize] = row as u32;
    }
    (places.iter().map(|place| owner_at[*place as usize]).collect(), rows)
}
