//! Vectors that point the same way stand together, so that a search reads the likely ones first. Spherical k-means
//! (Dhillon and Modha 2001) over codes, on a sample; the same vectors give the same clusters.

use super::codes::{Codes, Question, exact_dot};
use super::dice::Dice;

/// Fewer vectors than this are not worth clusters: a search reads them all.
pub(super) const WORTH_CLUSTERS: usize = 8_192;
const SAMPLES_A_CLUSTER: usize = 40;
const ROUNDS: usize = 8;

/// Which rows stand together, and around what.
#[derive(Debug, Clone, Default)]
pub(super) struct Clusters {
    /// The mean of each cluster, coded. Empty where there is one cluster of everything, which has no mean.
    pub(super) means: Codes,
    /// How far the vectors of a cluster are from its mean: the mean of the squared distance.
    pub(super) spreads: Vec<f32>,
    /// Where each cluster begins among the rows, and at last their number.
    pub(super) starts: Vec<u32>,
}

impl Clusters {
    /// One cluster that holds everything.
    pub(super) fn none(rows: u32) -> Self {
        Self { starts: vec![0, rows], ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn rows(&self, cluster: usize) -> std::ops::Range<usize> {
        self.starts[cluster] as usize..self.starts[cluster + 1] as usize
    }
}

/// Finds clusters, and the order of rows in which each stands together (within one in the order they had).
pub(super) fn cluster(codes: &Codes) -> (Clusters, Vec<u32>) {
    let count = ((codes.len() as f64).sqrt() * 2.0) as usize;
    let means = train(codes, count.max(1));
    let every: Vec<u32> = (0..codes.len() as u32).collect();
    let nearest = assign(codes, &every, &means);
    gather(codes, &nearest, means.len())
}

fn train(codes: &Codes, count: usize) -> Codes {
    let mut dice = Dice::new(codes.len() as u64);
    let sample: Vec<u32> = match (count * SAMPLES_A_CLUSTER).min(codes.len()) {
        all if all == codes.len() => (0..all as u32).collect(),
        some => (0..some).map(|_| dice.roll(codes.len() as u64) as u32).collect(),
    };
    let mut means = Codes::new(codes.dimensions);
    for _ in 0..count {
        means.push_coded(codes, sample[dice.roll(sample.len() as u64) as usize] as usize);
    }
    for _ in 0..ROUNDS {
        let nearest = assign(codes, &sample, &means);
        means = directions(codes, &sample, &nearest, count, &mut dice);
    }
    means
}

/// For each of these rows the mean it points at most.
fn assign(codes: &Codes, rows: &[u32], means: &Codes) -> Vec<u32> {
    let half = rows.len().div_ceil(2);
    let (left, right) = rows.split_at(half);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| assign_alone(codes, right, means));
        let mut nearest = assign_alone(codes, left, means);
        // A thread that ended early can only have panicked, and then its rows are read here.
        nearest.extend(other.join().unwrap_or_else(|_| assign_alone(codes, right, means)));
        nearest
    })
}

fn assign_alone(codes: &Codes, rows: &[u32], means: &Codes) -> Vec<u32> {
    let mut question = Question::default();
    let nearest = |row: &u32| {
        codes.question(*row as usize, &mut question);
        let mut best = (f32::NEG_INFINITY, 0);
        for mean in 0..means.len() {
            let score = means.score(&question, mean);
            if score > best.0 {
                best = (score, mean as u32);
            }
        }
        best.1
    };
    rows.iter().map(nearest).collect()
}

/// The direction of each cluster's sum; one that nothing points at starts again at a row.
fn directions(codes: &Codes, rows: &[u32], nearest: &[u32], count: usize, dice: &mut Dice) -> Codes {
    let (sums, sizes) = sums(codes, rows.iter().copied().zip(nearest.iter().copied()), count);
    let mut means = Codes::new(codes.dimensions);
    for (sum, size) in sums.chunks_exact(codes.dimensions).zip(sizes) {
        let length = exact_dot(sum, sum).sqrt();
        if size == 0 || length == 0.0 {
            means.push_coded(codes, rows[dice.roll(rows.len() as u64) as usize] as usize);
        } else {
            means.push(&sum.iter().map(|value| value / length).collect::<Vec<_>>());
        }
    }
    means
}

fn sums(codes: &Codes, pairs: impl Iterator<Item = (u32, u32)>, count: usize) -> (Vec<f32>, Vec<u32>) {
    let mut sums = vec![0.0_f32; count * codes.dimensions];
    let mut sizes = vec![0_u32; count];
    for (row, mean) in pairs {
        let (row, mean) = (row as usize, mean as usize);
        let scale = codes.scales[row];
        let sum = &mut sums[mean * codes.dimensions..(mean + 1) * codes.dimensions];
        for (sum, code) in sum.iter_mut().zip(codes.row(row)) {
            *sum += f32::from(*code) * scale;
        }
        sizes[mean] += 1;
    }
    (sums, sizes)
}

/// Clusters that hold something, and the rows in their order.
fn gather(codes: &Codes, nearest: &[u32], count: usize) -> (Clusters, Vec<u32>) {
    let pairs = nearest.iter().enumerate().map(|(row, mean)| (row as u32, *mean));
    let (sums, sizes) = sums(codes, pairs, count);
    let mut order: Vec<u32> = (0..codes.len() as u32).collect();
    order.sort_by_key(|row| nearest[*row as usize]);
    let mut clusters = Clusters { means: Codes::new(codes.dimensions), starts: vec![0], ..Clusters::default() };
    let mut end = 0;
    for (sum, size) in sums.chunks_exact(codes.dimensions).zip(sizes).filter(|(_, size)| *size > 0) {
        let mean: Vec<f32> = sum.iter().map(|value| value / size as f32).collect();
        // The mean squared distance of unit vectors to their mean is one minus its squared length.
        clusters.spreads.push((1.0 - exact_dot(&mean, &mean)).max(1e-6));
        clusters.means.push(&mean);
        end += size;
        clusters.starts.push(end);
    }
    (clusters, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_the_same_way_stands_together() {
        let mut dice = Dice::new(1);
        let mut codes = Codes::new(8);
        let mut topics = Vec::new();
        for _ in 0..4_000 {
            let topic = dice.roll(8) as usize;
            let mut vector = [0.0_f32; 8];
            vector[topic] = 1.0;
            vector[(topic + 1) % 8] = dice.roll(100) as f32 / 1000.0;
            codes.push(&vector);
            topics.push(topic);
        }
        let (clusters, order) = cluster(&codes);
        let mut seen = order.clone();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..4_000), "each row once");
        for cluster in 0..clusters.len() {
            let mut of: Vec<usize> = order[clusters.rows(cluster)].iter().map(|row| topics[*row as usize]).collect();
            of.dedup();
            assert_eq!(of.len(), 1, "cluster {cluster} mixes topics");
        }
    }
}
