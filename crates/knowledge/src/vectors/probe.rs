//! Reading clusters, the likely ones first, until hardly anything can be missing. How far the vectors of a cluster reach
//! towards the query is learned from those that were read; what the unread ones can still hold is bounded from it. A
//! visible set that lies far from the query makes all clusters equally unlikely, so that all of them are read.

use super::codes::Question;
use super::search::View;
use super::shortlist::Shortlist;

/// Vectors read before the first look at what may be missing; each later round is half as large again as all before.
const FIRST_ROUND: usize = 3_000;
/// How many of the nearest may be missing, as a share of those asked for, by the estimate.
const MISSING: f64 = 0.02;
/// From so many vectors on a round is worth a second thread.
const WORTH_A_THREAD: usize = 40_000;

/// A cluster of which something may be found.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The score of its mean, infinite where the segment has no clusters and is read first.
    near: f32,
    spread: f32,
    visible: usize,
    view: usize,
    cluster: usize,
}

/// What was seen so far of how vectors stray from the mean of their cluster towards the query.
#[derive(Debug, Clone, Copy, Default)]
struct Stray {
    /// The sum of squared strays, each as a share of its cluster's spread.
    squares: f64,
    count: f64,
}

/// Offers what may be among the nearest to the shortlist.
pub(super) fn probe(views: &[View<'_>], question: &Question, shortlist: Shortlist, limit: usize) -> Shortlist {
    let mut parts: Vec<Part> =
        views.iter().enumerate().flat_map(|(index, view)| parts(index, view, question)).collect();
    parts.sort_unstable_by(|left, right| {
        right.near.total_cmp(&left.near).then((left.view, left.cluster).cmp(&(right.view, right.cluster)))
    });
    let (mut shortlist, mut stray, mut read, mut rest) = (shortlist, Stray::default(), 0, parts.as_slice());
    while !rest.is_empty() {
        let (round, rows) = next_round(rest, FIRST_ROUND.max(read / 2));
        let seen;
        (shortlist, seen) = read_round(views, question, &rest[..round], shortlist);
        stray = Stray { squares: stray.squares + seen.squares, count: stray.count + seen.count };
        (read, rest) = (read + rows, &rest[round..]);
        if !may_miss(rest, shortlist.floor(), stray, MISSING * limit as f64) {
            break;
        }
    }
    shortlist
}

/// The clusters of one segment of which something may be found.
fn parts(index: usize, view: &View<'_>, question: &Question) -> Vec<Part> {
    let clusters = &view.segment.clusters;
    if clusters.means.len() == 0 {
        return vec![Part { near: f32::INFINITY, spread: 1.0, visible: view.visible, view: index, cluster: 0 }];
    }
    let part = |cluster| {
        let rows = clusters.rows(cluster);
        let visible = if view.is_whole() {
            rows.len()
        } else {
            view.segment.owners[rows].iter().map(|owner| usize::from(view.permitted[*owner as usize])).sum()
        };
        let near = if visible > 0 { clusters.means.score(question, cluster) } else { 0.0 };
        Part { near, spread: clusters.spreads[cluster], visible, view: index, cluster }
    };
    (0..clusters.len()).map(part).filter(|part| part.visible > 0).collect()
}

/// How many clusters come next to read about so many vectors, and how many vectors they are.
fn next_round(rest: &[Part], aim: usize) -> (usize, usize) {
    let mut rows = 0;
    for (index, part) in rest.iter().enumerate() {
        rows += part.visible;
        if rows >= aim {
            return (index + 1, rows);
        }
    }
    (rest.len(), rows)
}

fn read_round(views: &[View<'_>], question: &Question, round: &[Part], shortlist: Shortlist) -> (Shortlist, Stray) {
    let rows: usize = round.iter().map(|part| part.visible).sum();
    let split = next_round(round, rows / 2).0;
    if rows < WORTH_A_THREAD || split == round.len() {
        return read_parts(views, question, round, shortlist);
    }
    let (left, right) = round.split_at(split);
    std::thread::scope(|scope| {
        let start = shortlist.emptied();
        let other = scope.spawn(move || read_parts(views, question, right, start));
        let (mut shortlist, mut stray) = read_parts(views, question, left, shortlist);
        // A thread that ended early can only have panicked, and then its clusters are read here.
        let read_here = |_| read_parts(views, question, right, shortlist.emptied());
        let (found, seen) = other.join().unwrap_or_else(read_here);
        shortlist.absorb(found);
        stray = Stray { squares: stray.squares + seen.squares, count: stray.count + seen.count };
        (shortlist, stray)
    })
}

fn read_parts(views: &[View<'_>], question: &Question, parts: &[Part], shortlist: Shortlist) -> (Shortlist, Stray) {
    let (mut shortlist, mut stray) = (shortlist, Stray::default());
    for part in parts {
        let view = &views[part.view];
        let (codes, owners, whole) = (&view.segment.codes, &view.segment.owners, view.is_whole());
        let mut squares = 0.0;
        for row in view.segment.clusters.rows(part.cluster) {
            if whole || view.permitted[owners[row] as usize] {
                let score = codes.score(question, row);
                squares += (score - part.near).powi(2);
                shortlist.offer(score, codes.error(question, row), (view.index, row as u32));
            }
        }
        if part.near.is_finite() {
            stray.squares += f64::from(squares / part.spread);
            stray.count += part.visible as f64;
        }
    }
    (shortlist, stray)
}

/// Whether more than `most` vectors of unread clusters may reach a score on average: Chernoff's bound on the tail of a
/// normal distribution around each mean. The likely clusters come first, so that "yes" is said soon.
fn may_miss(rest: &[Part], floor: f32, stray: Stray, most: f64) -> bool {
    if floor == f32::NEG_INFINITY || stray.count == 0.0 {
        return true;
    }
    let share = stray.squares / stray.count;
    let mut sum = 0.0;
    rest.iter().any(|part| {
        let short = f64::from(floor - part.near).max(0.0);
        sum += part.visible as f64 * 0.5 * (-short * short / (2.0 * share * f64::from(part.spread))).exp();
        sum > most
    })
}
