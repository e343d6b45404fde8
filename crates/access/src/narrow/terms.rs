//! Many terms found in one pass: the automaton of A. V. Aho and M. J. Corasick, "Efficient String Matching: An Aid to
//! Bibliographic Search", CACM 18(6), 1975, over letters as they read, with the edges of words checked at each hit.

use std::collections::VecDeque;

use super::rules::Subject;
use crate::fold::{GAP, Letter, is_unspaced, words};

/// Where a term was found, bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) subject: Subject,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All terms. Add them, then finish, then find.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    terms: Vec<Term>,
    /// The first is where every search begins.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Term {
    subject: Subject,
    letters: usize,
    /// Whether words that go on are meant too.
    begins: bool,
}

/// The letters read so far that may become terms.
#[derive(Debug, Clone, Default)]
struct Node {
    /// In order of letters.
    next: Vec<(char, usize)>,
    /// The longest end of what was read that is the beginning of a term too.
    shorter: usize,
    /// Terms that end here.
    ends: Vec<usize>,
    /// The nearest of the shorter ones where a term ends; 0 for none.
    also: usize,
}

impl Terms {
    /// Adds a term; false where there is nothing in it to be found.
    pub(super) fn add(&mut self, subject: Subject, term: &str) -> bool {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let letters = words(term);
        let node = letters.iter().fold(0, |node, letter| self.step_or_grow(node, letter.what));
        let begins = term.trim_end().ends_with('*');
        if let Some(end) = self.nodes.get_mut(node).filter(|_| !letters.is_empty()) {
            end.ends.push(self.terms.len());
            self.terms.push(Term { subject, letters: letters.len(), begins });
        }
        !letters.is_empty()
    }

    /// Links what may follow where a term breaks off.
    pub(super) fn finish(&mut self) {
        let children = |node: &Node| node.next.clone();
        let mut queue: VecDeque<usize> =
            self.nodes.first().map(children).into_iter().flatten().map(|(_, to)| to).collect();
        while let Some(at) = queue.pop_front() {
            let Some(node) = self.nodes.get(at) else { continue };
            let (next, shorter) = (node.next.clone(), node.shorter);
            for (letter, to) in next {
                let linked = self.follow(shorter, letter);
                let also =
                    self.nodes.get(linked).map_or(0, |node| if node.ends.is_empty() { node.also } else { linked });
                if let Some(child) = self.nodes.get_mut(to) {
                    (child.shorter, child.also) = (linked, also);
                }
                queue.push_back(to);
            }
        }
    }

    /// Every place of every term.
    pub(super) fn find(&self, text: &[Letter]) -> Vec<Hit> {
        let (mut hits, mut node) = (Vec::new(), 0);
        for (index, letter) in text.iter().enumerate() {
            node = self.follow(node, letter.what);
            let mut ending = node;
            while let Some(at) = self.nodes.get(ending).filter(|_| ending != 0) {
                hits.extend(at.ends.iter().filter_map(|term| self.hit(*term, text, index)));
                ending = at.also;
            }
        }
        hits
    }

    /// A term whose last letter this is, where it is whole words.
    fn hit(&self, term: usize, text: &[Letter], last: usize) -> Option<Hit> {
        let term = self.terms.get(term)?;
        let first = (last + 1).checked_sub(term.letters)?;
        let whole = begins_at(text, first) && (term.begins || ends_at(text, last));
        let (start, end) = (text.get(first)?.start, text.get(last)?.end);
        whole.then_some(Hit { subject: term.subject, start, end })
    }

    fn step(&self, node: usize, letter: char) -> Option<usize> {
        let next = &self.nodes.get(node)?.next;
        let place = next.binary_search_by_key(&letter, |(letter, _)| *letter).ok()?;
        next.get(place).map(|(_, to)| *to)
    }

    fn step_or_grow(&mut self, node: usize, letter: char) -> usize {
        if let Some(to) = self.step(node, letter) {
            return to;
        }
        let new = self.nodes.len();
        self.nodes.push(Node::default());
        if let Some(node) = self.nodes.get_mut(node) {
            let place = node.next.partition_point(|(other, _)| *other < letter);
            node.next.insert(place, (letter, new));
        }
        new
    }

    fn follow(&self, mut node: usize, letter: char) -> usize {
        loop {
            match self.step(node, letter) {
                Some(to) => return to,
                None if node == 0 => return 0,
                None => node = self.nodes.get(node).map_or(0, |node| node.shorter),
            }
        }
    }
}

/// Whether two letters side by side are of two words: one of a script without spaces, or a letter and a digit.
fn apart(a: char, b: char) -> bool {
    a == GAP || b == GAP || is_unspaced(a) || is_unspaced(b) || a.is_alphabetic() != b.is_alphabetic()
}

/// Whether a word begins here, up to three particles before it aside, which Arabic and Hebrew write without a space.
fn begins_at(text: &[Letter], index: usize) -> bool {
    let Some(first) = text.get(index) else { return false };
    let before = text.get(..index).unwrap_or_default().iter().rev().map(|letter| letter.what);
    let particle = |letter: &char| PARTICLES.iter().any(|all| all.contains(*letter) && is_of(all, first.what));
    let particles = before.clone().take_while(particle).take(3).count();
    // With one particle there is a word before it, so every count up to the most has to be tried.
    (0..=particles).any(|count| {
        let near = if count == 0 { Some(first.what) } else { before.clone().nth(count - 1) };
        before.clone().nth(count).zip(near).is_none_or(|(a, b)| apart(a, b))
    })
}

fn ends_at(text: &[Letter], index: usize) -> bool {
    let next = text.get(index + 1).zip(text.get(index));
    next.is_none_or(|(next, last)| apart(last.what, next.what))
}

/// Particles that stand before a word without a space, of Arabic and of Hebrew.
const PARTICLES: [&str; 2] =
    ["\u{627}\u{644}\u{648}\u{641}\u{628}\u{643}\u{633}", "\u{5D5}\u{5D4}\u{5D1}\u{5DB}\u{5DC}\u{5DE}\u{5E9}"];

/// Whether a letter is of the same script as these particles.
fn is_of(particles: &str, letter: char) -> bool {
    let block = |letter: char| u32::from(letter) >> 8;
    particles.chars().next().is_some_and(|particle| block(particle) == block(letter))
}
