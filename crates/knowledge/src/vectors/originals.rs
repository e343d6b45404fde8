//! Vectors as they were given, read one at a time for the few that may be answers. In a file each carries a checksum
//! over its place too, so that neither altered nor exchanged ones pass.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::files::{checksum, damaged, missing, unusable};
use crate::KnowledgeError;

/// Two numbers' room after each vector hold its checksum.
const SEAL: usize = 2;

/// Vectors of one length, by their place.
#[derive(Debug)]
pub(super) enum Originals {
    /// Not written yet.
    Memory(Vec<f32>),
    /// In a file that stays as it is.
    File(Kept),
}

/// Vectors in a file.
#[derive(Debug)]
pub(super) struct Kept {
    file: File,
    path: PathBuf,
    number: u64,
}

impl Kept {
    /// Opens a file that must hold this many vectors.
    pub(super) fn open(path: &Path, number: u64, dimensions: usize, count: usize) -> Result<Self, KnowledgeError> {
        let file = File::open(path).map_err(|error| missing(path, &error))?;
        let length = file.metadata().map_err(|error| unusable(path, &error))?.len();
        if length != (count * (dimensions + SEAL) * size_of::<f32>()) as u64 {
            return Err(damaged(path, "does not have the length it was written with"));
        }
        Ok(Self { file, path: path.to_owned(), number })
    }

    fn read(
        &self,
        places: std::ops::Range<usize>,
        room: &mut Vec<f32>,
        dimensions: usize,
    ) -> Result<(), KnowledgeError> {
        let record = dimensions + SEAL;
        room.resize(places.len() * record, 0.0);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(room);
        let at = (places.start * record * size_of::<f32>()) as u64;
        self.file.read_exact_at(bytes, at).map_err(|error| unusable(&self.path, &error))?;
        for (index, place) in places.enumerate() {
            let (vector, seal) = room[index * record..(index + 1) * record].split_at(dimensions);
            let expected = seal_of(self.number, place, vector);
            if seal.iter().map(|half| half.to_bits()).ne(expected) {
                return Err(damaged(&self.path, "has a vector that is not as it was written"));
            }
        }
        // Vectors one after another, without their checksums.
        for index in 1..room.len() / record {
            room.copy_within(index * record..index * record + dimensions, index * dimensions);
        }
        room.truncate(room.len() / record * dimensions);
        Ok(())
    }
}

/// The checksum of a vector at its place, in two halves.
fn seal_of(number: u64, place: usize, vector: &[f32]) -> [u32; SEAL] {
    let sum = checksum(number.rotate_left(32) ^ place as u64, bytemuck::cast_slice(vector));
    [sum as u32, (sum >> 32) as u32]
}

impl Originals {
    /// The vectors at these places, one after another.
    ///
    /// # Errors
    ///
    /// `IndexDamaged` where one is not as it was written.
    pub(super) fn read<'a>(
        &'a self,
        places: std::ops::Range<usize>,
        dimensions: usize,
        room: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], KnowledgeError> {
        match self {
            Self::Memory(vectors) => Ok(&vectors[places.start * dimensions..places.end * dimensions]),
            Self::File(kept) => {
                kept.read(places, room, dimensions)?;
                Ok(room)
            }
        }
    }
}

/// Where new vectors go.
#[derive(Debug)]
pub(super) enum Sink {
    /// Into memory.
    Memory(Vec<f32>),
    /// Into a file of a segment with this number.
    File(BufWriter<File>, PathBuf, u64),
}

impl Sink {
    pub(super) fn file(path: PathBuf, number: u64) -> Result<Self, KnowledgeError> {
        let file = File::create(&path).map_err(|error| unusable(&path, &error))?;
        Ok(Self::File(BufWriter::with_capacity(1 << 18, file), path, number))
    }

    /// Adds one vector at the next place, which the caller counts.
    pub(super) fn push(&mut self, place: usize, vector: &[f32]) -> Result<(), KnowledgeError> {
        match self {
            Self::Memory(vectors) => {
                vectors.extend_from_slice(vector);
                Ok(())
            }
            Self::File(file, path, number) => {
                let seal = seal_of(*number, place, vector);
                let written = file.write_all(bytemuck::cast_slice(vector));
                written
                    .and_then(|()| file.write_all(bytemuck::cast_slice(&seal)))
                    .map_err(|error| unusable(path, &error))
            }
        }
    }

    /// Makes them durable where they are in a file, and ready to be read.
    pub(super) fn finish(self, dimensions: usize, count: usize) -> Result<Originals, KnowledgeError> {
        match self {
            Self::Memory(vectors) => Ok(Originals::Memory(vectors)),
            Self::File(mut file, path, number) => {
                let synced = file.flush().and_then(|()| file.get_ref().sync_all());
                synced.map_err(|error| unusable(&path, &error))?;
                Ok(Originals::File(Kept::open(&path, number, dimensions, count)?))
            }
        }
    }
}
