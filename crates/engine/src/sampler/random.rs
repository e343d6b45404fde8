//! A small seeded generator: SplitMix64 (Steele, Lea, Flood 2014), enough for one number per token.

/// State of the generator.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in 0.0..1.0 with 53 random bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a f64 exactly")]
        let bits = (self.next() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// The seed of the `index`-th answer to one prompt: the first keeps the seed itself.
    pub(crate) fn seed_of(seed: u64, index: usize) -> u64 {
        match u64::try_from(index).unwrap_or(0) {
            0 => seed,
            index => Self::new(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next(),
        }
    }
}
