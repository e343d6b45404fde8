//! A segment's directory, clusters and codes as one file: counts, then columns of little-endian numbers, then a checksum
//! over all of it. What a reader takes as an index into something is checked to be within it.

use std::fs;
use std::path::Path;

use super::clusters::Clusters;
use super::codes::Codes;
use super::files::{Folder, checksum, damaged, missing, write_synced};
use super::originals::{Kept, Originals};
use super::segment::{Directory, Segment, owners_and_rows};
use crate::KnowledgeError;

const MARK: u64 = u64::from_le_bytes(*b"FHVECS01");

/// Writes what the segment needs beside its vectors, durably, and gives the checksum.
pub(super) fn write(segment: &Segment, path: &Path) -> Result<u64, KnowledgeError> {
    let (directory, codes, clusters) = (&segment.directory, &segment.codes, &segment.clusters);
    let counts = [codes.dimensions, directory.len(), codes.len(), clusters.means.len()].map(|count| count as u64);
    let mut bytes = Vec::with_capacity(codes.codes.len() + codes.len() * 16);
    bytes.extend_from_slice(&MARK.to_le_bytes());
    bytes.extend_from_slice(bytemuck::cast_slice(&counts));
    for column in [&directory.slots, &directory.versions, &directory.firsts, &segment.places, &clusters.starts] {
        bytes.extend_from_slice(bytemuck::cast_slice(column));
    }
    for column in [&clusters.spreads, &clusters.means.scales, &clusters.means.errors, &codes.scales, &codes.errors] {
        bytes.extend_from_slice(bytemuck::cast_slice(column));
    }
    for column in [&clusters.means.codes, &codes.codes] {
        bytes.extend_from_slice(bytemuck::cast_slice(column));
    }
    let sum = checksum(0, &bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    write_synced(path, &bytes)?;
    Ok(sum)
}

/// Reads a segment back; `sum` is the checksum that `write` gave.
///
/// # Errors
///
/// `IndexDamaged` where a file is missing or is not as it was written.
pub(super) fn read(folder: &Folder, number: u64, sum: u64, dimensions: usize) -> Result<Segment, KnowledgeError> {
    let path = folder.codes(number);
    let bytes = fs::read(&path).map_err(|error| missing(&path, &error))?;
    let split = bytes.len().checked_sub(8).ok_or_else(|| damaged(&path, "is cut short"))?;
    let (content, end) = bytes.split_at(split);
    if end != sum.to_le_bytes() || checksum(0, content) != sum {
        return Err(damaged(&path, "is not as it was written"));
    }
    let strange = || damaged(&path, "is not a segment of this index");
    let (directory, places, codes, clusters) = columns(content, dimensions).ok_or_else(strange)?;
    if !is_sound(&directory, &places, &clusters) {
        return Err(strange());
    }
    let originals = Kept::open(&folder.vectors(number), number, dimensions, codes.len())?;
    let (owners, rows) = owners_and_rows(&directory, &places);
    let (originals, file) = (Originals::File(originals), Some((number, sum)));
    Ok(Segment { directory, codes, owners, places, rows, clusters, originals, file })
}

/// What `write` wrote, in its order; nothing where the lengths do not fit together.
fn columns(content: &[u8], dimensions: usize) -> Option<(Directory, Vec<u32>, Codes, Clusters)> {
    let mut rest = content;
    let counts: Vec<u64> = column(&mut rest, 5)?;
    if counts[0] != MARK || counts[1] != dimensions as u64 {
        return None;
    }
    let count = |at: usize| usize::try_from(counts[at]).ok();
    let (documents, rows, means) = (count(2)?, count(3)?, count(4)?);
    let slots = column(&mut rest, documents)?;
    let versions = column(&mut rest, documents)?;
    let directory = Directory { slots, versions, firsts: column(&mut rest, documents.checked_add(1)?)? };
    let places = column(&mut rest, rows)?;
    let starts = column(&mut rest, means.max(1).checked_add(1)?)?;
    let spreads = column(&mut rest, means)?;
    let (mean_scales, mean_errors) = (column(&mut rest, means)?, column(&mut rest, means)?);
    let (scales, errors) = (column(&mut rest, rows)?, column(&mut rest, rows)?);
    let mean_codes = column(&mut rest, means.checked_mul(dimensions)?)?;
    let means = Codes { dimensions, codes: mean_codes, scales: mean_scales, errors: mean_errors };
    let codes = Codes { dimensions, codes: column(&mut rest, rows.checked_mul(dimensions)?)?, scales, errors };
    rest.is_empty().then_some((directory, places, codes, Clusters { means, spreads, starts }))
}

fn column<T: bytemuck::Pod>(rest: &mut &[u8], count: usize) -> Option<Vec<T>> {
    let (bytes, after) = rest.split_at_checked(count.checked_mul(size_of::<T>())?)?;
    *rest = after;
    let mut numbers = vec![T::zeroed(); count];
    bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(bytes);
    Some(numbers)
}

/// Whether everything that is used as an index into something is within it.
fn is_sound(directory: &Directory, places: &[u32], clusters: &Clusters) -> bool {
    let covers = |bounds: &[u32]| {
        bounds.first() == Some(&0)
            && bounds.is_sorted()
            && bounds.last().is_some_and(|end| *end as usize == places.len())
    };
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    let each_once = sorted.iter().enumerate().all(|(index, place)| index == *place as usize);
    directory.slots.is_sorted_by(|left, right| left < right)
        && covers(&directory.firsts)
        && covers(&clusters.starts)
        && each_once
}
