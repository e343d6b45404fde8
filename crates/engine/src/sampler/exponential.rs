//! Exponentials over a whole row, in loops the compiler turns into vector instructions.

use std::f32::consts::LOG2_E;

/// Independent running values per loop: as many as one 512-bit register holds.
const LANES: usize = 16;

/// Values summed in `f32` before going on in `f64`.
pub(super) const BLOCK: usize = 1024;

/// The largest value of a row; negative infinity for an empty one.
pub(super) fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, value| if *value > most { *value } else { most })
}

/// `e^x` for `x <= 0` with a relative error below 3e-7; 0 below -87.
///
/// `2^(n + f)` with n whole and f in -0.5..=0.5, the second factor by its Taylor polynomial of degree 6.
#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n is within -126..=0")]
fn exp(x: f32) -> f32 {
    let whole = (x * LOG2_E).max(-126.0).round_ties_even();
    // ln 2 in two parts (Cody and Waite), so that the product with `whole` is exact.
    let part = x.max(-88.0) - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let mut sum = 1.0 / 720.0;
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * part + factor;
    }
    let scale = f32::from_bits(((whole as i32 + 127) as u32) << 23);
    if x < -87.0 { 0.0 } else { sum * scale }
}

/// Writes `e^((row - shift) * scale)` to `weights` and returns their sum.
pub(super) fn weigh(row: &[f32], shift: f32, scale: f32, weights: &mut Vec<f32>) -> f64 {
    weights.clear();
    weights.extend(row.iter().map(|value| exp((value - shift) * scale)));
    sum(weights)
}

/// The sum of `e^(row - shift)`.
pub(super) fn total(row: &[f32], shift: f32) -> f64 {
    let mut weights = [0.0_f32; BLOCK];
    let blocks = row.chunks(BLOCK).map(|block| {
        for (weight, value) in weights.iter_mut().zip(block) {
            *weight = exp(value - shift);
        }
        f64::from(block_sum(&weights[..block.len()]))
    });
    blocks.sum()
}

/// Sums in blocks: `f32` within, `f64` across, so that 150,000 terms lose nothing that matters.
pub(super) fn sum(weights: &[f32]) -> f64 {
    weights.chunks(BLOCK).map(|block| f64::from(block_sum(block))).sum()
}

/// Sum of one block.
pub(super) fn block_sum(block: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (blocks, rest) = block.as_chunks::<LANES>();
    for values in blocks {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane += value;
        }
    }
    lanes.iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_exponential() {
        for step in 0..8_600 {
            let x = -(step as f32) / 100.0;
            let (ours, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours / exact - 1.0).abs() < 3e-7, "at {x}: {ours} against {exact}");
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn finds_the_largest_wherever_it_is() {
        for place in 0..40 {
            let mut row = vec![-1.0; 40];
            row[place] = 2.0;
            assert_eq!(largest(&row), 2.0);
        }
    }
}
