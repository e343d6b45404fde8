//! A map that is split into shards by hash, so that a write copies one small shard.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use crate::persistent::Chunks;

/// A persistent map: `clone` is constant, a write copies the shard it falls into.
#[derive(Clone)]
pub(crate) struct Shards<K, V> {
    shards: Chunks<Arc<HashMap<K, V>>>,
    hasher: RandomState,
}

impl<K: Clone + Eq + Hash, V: Clone> Shards<K, V> {
    /// An empty map of this many shards: about a two-hundredth of the keys that are expected.
    pub(crate) fn new(shards: usize) -> Self {
        let empty = Arc::new(HashMap::new());
        Self { shards: (0..shards.max(1)).map(|_| empty.clone()).collect(), hasher: RandomState::new() }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        let count = self.shards.len() as u64;
        // INVARIANT: the remainder is below the count of shards, which is a usize.
        usize::try_from(self.hasher.hash_one(key) % count).unwrap_or_default()
    }

    fn shard_mut(&mut self, key: &K) -> Option<&mut HashMap<K, V>> {
        let shard = self.shard(key);
        self.shards.get_mut(shard).map(Arc::make_mut)
    }

    /// What stands under a key.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards.get(self.shard(key))?.get(key)
    }

    /// What stands under a key, for writing. Looks first, so that what is not there copies nothing.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get(key)?;
        self.shard_mut(key)?.get_mut(key)
    }

    /// Puts a value under a key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if let Some(shard) = self.shard_mut(&key) {
            shard.insert(key, value);
        }
    }

    /// Takes what stands under a key.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.get(key)?;
        self.shard_mut(key)?.remove(key)
    }

    /// Changes what stands under a key; the default where nothing stands there.
    pub(crate) fn change(&mut self, key: K, change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        let mut value = self.get(&key).cloned().unwrap_or_default();
        change(&mut value);
        self.insert(key, value);
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.shards.iter().flat_map(|shard| shard.values())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Default for Shards<K, V> {
    /// For tens of thousands of keys.
    fn default() -> Self {
        Self::new(256)
    }
}

impl<K, V> fmt::Debug for Shards<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({})", self.shards.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_copies_one_shard() {
        let mut map: Shards<u32, u32> = Shards::new(256);
        (0..1_000).for_each(|key| map.insert(key, key));
        let before = map.clone();
        map.insert(3, 0);
        let shared = map.shards.iter().zip(before.shards.iter()).filter(|(new, old)| Arc::ptr_eq(new, old)).count();
        assert_eq!(shared, 255);
    }

    #[test]
    fn a_copy_does_not_see_later_writes() {
        let mut map = Shards::new(8);
        (0..100).for_each(|key| map.insert(key, key * 2));
        let before = map.clone();
        map.insert(3, 0);
        map.insert(100, 1);
        assert_eq!((map.get(&3), before.get(&3)), (Some(&0), Some(&6)));
        assert_eq!((map.get(&100), before.get(&100)), (Some(&1), None));
        assert_eq!((map.remove(&4), map.get(&4), before.get(&4)), (Some(8), None, Some(&8)));
        map.change(4, |value| *value += 1);
        map.change(5, |value| *value += 1);
        assert_eq!((map.get(&4), map.get(&5), before.get(&5)), (Some(&1), Some(&11), Some(&10)));
        assert_eq!((map.values().count(), before.values().count()), (101, 100));
    }
}
