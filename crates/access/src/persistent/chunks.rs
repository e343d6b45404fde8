//! A vector that only grows, as a shallow tree of chunks.
//!
//! INVARIANT: every chunk but the last of each row is full, so that an index is a path.

use std::fmt;
use std::sync::Arc;

/// Elements in a leaf.
const LEAF: usize = 128;
/// Children of a branch.
const BRANCH: usize = 64;

/// A persistent vector: `clone` is constant, reading and writing one element take a few steps for millions of them.
#[derive(Clone)]
pub(crate) struct Chunks<T> {
    root: Arc<Node<T>>,
    height: u32,
    len: usize,
}

#[derive(Clone)]
enum Node<T> {
    Branch(Vec<Arc<Self>>),
    Leaf(Vec<T>),
}

/// How many elements fit into a tree of this height.
const fn span(height: u32) -> usize {
    LEAF.saturating_mul(BRANCH.saturating_pow(height))
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), height: 0, len: 0 }
    }
}

impl<T> Chunks<T> {
    /// How many elements there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The element at an index.
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.leaf(index).get(index % LEAF)
    }

    /// The elements of the leaf that an index falls into.
    fn leaf(&self, index: usize) -> &[T] {
        let (mut node, mut height, mut rest) = (&*self.root, self.height, index);
        loop {
            match node {
                // Beyond the end of a tree that is a single leaf.
                Node::Leaf(_) if rest >= LEAF => return &[],
                Node::Leaf(leaf) => return leaf,
                Node::Branch(children) => {
                    height -= 1;
                    let Some(child) = children.get(rest / span(height)) else { return &[] };
                    node = child;
                    rest %= span(height);
                }
            }
        }
    }

    /// The elements from an index on.
    pub(crate) fn since(&self, start: usize) -> impl Iterator<Item = &T> {
        let first = start - start % LEAF;
        (first..self.len).step_by(LEAF).flat_map(|index| self.leaf(index)).skip(start - first)
    }

    /// All elements.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.since(0)
    }
}

impl<T: Clone> Chunks<T> {
    /// The element at an index, for writing; copies the path to it where another copy shares it.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (mut node, mut height, mut rest) = (Arc::make_mut(&mut self.root), self.height, index);
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.get_mut(rest),
                Node::Branch(children) => {
                    height = height.checked_sub(1)?;
                    node = Arc::make_mut(children.get_mut(rest / span(height))?);
                    rest %= span(height);
                }
            }
        }
    }

    /// Adds an element, and says at which index.
    pub(crate) fn push(&mut self, value: T) -> usize {
        if self.len == span(self.height) {
            self.root = Arc::new(Node::Branch(vec![self.root.clone()]));
            self.height += 1;
        }
        let mut node = Arc::make_mut(&mut self.root);
        let mut height = self.height;
        while let Node::Branch(children) = node {
            height -= 1;
            let full = self.len.is_multiple_of(span(height));
            if full {
                let child = if height == 0 { Node::Leaf(Vec::new()) } else { Node::Branch(Vec::new()) };
                children.push(Arc::new(child));
            }
            let Some(last) = children.last_mut() else { return self.len };
            node = Arc::make_mut(last);
        }
        if let Node::Leaf(leaf) = node {
            leaf.push(value);
        }
        self.len += 1;
        self.len - 1
    }

    /// Puts an element at an index that is there already.
    pub(crate) fn set(&mut self, index: usize, value: T) {
        if let Some(place) = self.get_mut(index) {
            *place = value;
        }
    }
}

impl<T: Clone> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut chunks = Self::default();
        for value in values {
            chunks.push(value);
        }
        chunks
    }
}

impl<T> fmt::Debug for Chunks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunks({})", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_where_they_were_put_through_every_height() {
        let count = span(1) * 3 + span(0) + 5;
        let mut chunks: Chunks<usize> = (0..count).collect();
        assert_eq!((chunks.len(), chunks.height), (count, 2));
        assert!(chunks.iter().copied().eq(0..count));
        assert_eq!((chunks.get(count), chunks.get(usize::MAX)), (None, None));
        let few: Chunks<usize> = (0..3).collect();
        assert_eq!((few.get(2), few.get(3), few.get(LEAF), few.get(LEAF + 1)), (Some(&2), None, None, None));
        assert_eq!((few.since(2).count(), few.since(3).count(), few.since(LEAF * 2).count()), (1, 0, 0));
        let before = chunks.clone();
        chunks.set(span(1) + 1, 7);
        assert_eq!(chunks.push(count), count);
        assert_eq!((chunks.get(span(1) + 1), before.get(span(1) + 1)), (Some(&7), Some(&(span(1) + 1))));
        assert_eq!((chunks.get(count), before.get(count)), (Some(&count), None));
        assert_eq!(chunks.since(count - 1).copied().collect::<Vec<_>>(), [count - 1, count]);
    }

    #[test]
    fn writing_copies_only_the_path() {
        let mut chunks: Chunks<usize> = (0..span(2)).collect();
        let before = chunks.clone();
        chunks.set(0, 1);
        let (Node::Branch(new), Node::Branch(old)) = (&*chunks.root, &*before.root) else { panic!("a tree") };
        let shared = new.iter().zip(old).filter(|(new, old)| Arc::ptr_eq(new, old)).count();
        assert_eq!(shared, BRANCH - 1);
    }
}
