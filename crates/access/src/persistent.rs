//! Structures whose copies share what they have in common: cloning costs a few counters, and a write copies the path to
//! what it touches. Readers keep the copy they have; nobody waits.

mod chunks;
mod shards;

pub(crate) use chunks::Chunks;
pub(crate) use shards::Shards;
