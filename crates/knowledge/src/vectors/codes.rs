//! Vectors as one byte a dimension, and how far such a score can be from the exact one. The bound is the inequality of
//! Cauchy and Schwarz over what rounding left out, so that who keeps everything within it has lost nothing.

/// The largest code: symmetric, so that -128 is never used.
const LARGEST_CODE: f32 = 127.0;
/// Sums of products must fit 32 bits: 127 x this x the dimensions.
const LARGEST_DIGIT: f32 = 8191.0;
/// What the arithmetic in f32 may add to the error of rounding, for unit vectors.
const ARITHMETIC: f32 = 2e-6;

/// Coded vectors of one length, one after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    pub(super) dimensions: usize,
    /// `len` x `dimensions` codes.
    pub(super) codes: Vec<i8>,
    /// What one step of a code is worth, for each vector.
    pub(super) scales: Vec<f32>,
    /// The length of what rounding left out, for each vector.
    pub(super) errors: Vec<f32>,
}

impl Codes {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.scales.len()
    }

    /// Codes one more vector, of `dimensions` finite numbers.
    pub(super) fn push(&mut self, vector: &[f32]) {
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = largest / LARGEST_CODE;
        let steps = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let first = self.codes.len();
        self.codes.extend(vector.iter().map(|value| (value * steps).round() as i8));
        let coded = &self.codes[first..];
        let left: f32 = vector.iter().zip(coded).map(|(value, code)| (value - f32::from(*code) * scale).powi(2)).sum();
        self.scales.push(scale);
        self.errors.push(left.sqrt() * 1.001 + ARITHMETIC);
    }

    /// Takes over a vector that is coded already.
    pub(super) fn push_coded(&mut self, other: &Self, row: usize) {
        self.codes.extend_from_slice(other.row(row));
        self.scales.push(other.scales[row]);
        self.errors.push(other.errors[row]);
    }

    /// The same vectors in another order.
    pub(super) fn in_order(&self, order: &[u32]) -> Self {
        let mut sorted = Self::new(self.dimensions);
        sorted.codes.reserve_exact(self.codes.len());
        for row in order {
            sorted.push_coded(self, *row as usize);
        }
        sorted
    }

    pub(super) fn row(&self, row: usize) -> &[i8] {
        &self.codes[row * self.dimensions..(row + 1) * self.dimensions]
    }

    /// About the dot product of the question and this vector.
    pub(super) fn score(&self, question: &Question, row: usize) -> f32 {
        dot(&question.digits, self.row(row)) as f32 * (question.scale * self.scales[row])
    }

    /// How far `score` can be from the exact one, where the vector has length 1 or less.
    pub(super) fn error(&self, question: &Question, row: usize) -> f32 {
        self.errors[row] + question.error * (1.0 + self.errors[row])
    }

    /// One vector, to compare others with.
    pub(super) fn question(&self, row: usize, question: &mut Question) {
        question.digits.clear();
        question.digits.extend(self.row(row).iter().map(|code| i16::from(*code)));
        question.scale = self.scales[row];
        question.error = self.errors[row];
    }
}

/// What vectors are compared with: finer than they are, so that its own rounding hardly counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Question {
    digits: Vec<i16>,
    scale: f32,
    error: f32,
}

impl Question {
    pub(super) fn of(vector: &[f32]) -> Self {
        let room = (i32::MAX as f32 * 0.99 / (LARGEST_CODE * vector.len().max(1) as f32)).floor();
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = largest / room.min(LARGEST_DIGIT);
        let steps = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let digits: Vec<i16> = vector.iter().map(|value| (value * steps).round() as i16).collect();
        let left: f32 =
            vector.iter().zip(&digits).map(|(value, digit)| (value - f32::from(*digit) * scale).powi(2)).sum();
        Self { digits, scale, error: left.sqrt() * 1.001 + ARITHMETIC }
    }
}

/// The dot product in whole numbers. Written so that the compiler multiplies 16-bit lanes and adds pairs into 32 bits.
fn dot(digits: &[i16], codes: &[i8]) -> i32 {
    digits.iter().zip(codes).map(|(digit, code)| i32::from(*digit) * i32::from(*code)).sum()
}

/// The exact dot product of two vectors of one length, in a fixed order of additions.
pub(super) fn exact_dot(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (lefts, rights) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest: f32 = lefts.remainder().iter().zip(rights.remainder()).map(|(left, right)| left * right).sum();
    for (left, right) in lefts.zip(rights) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The vector at length 1; one that has it already keeps its very bits, and one without a direction stays zero.
pub(super) fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if length == 0.0 || (length - 1.0).abs() < 1e-6 {
        return vector.to_vec();
    }
    vector.iter().map(|value| (f64::from(*value) / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_score_is_further_off_than_its_error(
            (left, right) in (1..900_usize).prop_flat_map(|dimensions| {
                let numbers = || prop::collection::vec(-1.0_f32..1.0, dimensions);
                (numbers(), numbers())
            })
        ) {
            let (left, right) = (unit(&left), unit(&right));
            let mut codes = Codes::new(left.len());
            codes.push(&right);
            let question = Question::of(&left);
            let off = (codes.score(&question, 0) - exact_dot(&left, &right)).abs();
            prop_assert!(off <= codes.error(&question, 0), "{off} > {}", codes.error(&question, 0));
        }
    }

    #[test]
    fn one_direction_only_is_the_worst_case_of_sums() {
        for dimensions in [1, 384, 4096, 8192] {
            let vector = unit(&vec![1.0; dimensions]);
            let mut codes = Codes::new(dimensions);
            codes.push(&vector);
            let question = Question::of(&vector);
            assert!((codes.score(&question, 0) - 1.0).abs() <= codes.error(&question, 0), "{dimensions}");
        }
    }
}
