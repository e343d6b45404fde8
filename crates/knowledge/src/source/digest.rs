//! SHA-256 (FIPS 180-4), to name what bytes say: versions of messages and conversations, ids of mails that have none.

/// The square roots' and cube roots' beginnings that the standard gives (sections 5.3.3 and 4.2.2) are computed, not
/// copied: the first 32 bits of the fractional parts of roots of the first primes.
const PRIMES: [u64; 64] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239,
    241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311,
];
const ROUNDS: [u32; 64] = constants();
const START: [u32; 8] = start();

/// The first 32 bits of the fractional part of the `power`-th root of `prime`: the largest `x` with
/// `x^power <= prime * 2^(32 * power)`, less its whole part.
const fn fraction(prime: u64, power: u32) -> u32 {
    let (mut low, mut high) = (0_u128, 20_u128 << 32);
    while high - low > 1 {
        let middle = (low + high) / 2;
        // 2^37 to the third is 2^111, and 311 * 2^96 is below 2^105.
        let (mut product, mut factor) = (1_u128, 0);
        while factor < power {
            product *= middle;
            factor += 1;
        }
        if product <= (prime as u128) << (32 * power) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low & 0xffff_ffff) as u32
}

const fn constants() -> [u32; 64] {
    let mut all = [0; 64];
    let mut place = 0;
    while place < 64 {
        all[place] = fraction(PRIMES[place], 3);
        place += 1;
    }
    all
}

const fn start() -> [u32; 8] {
    let mut all = [0; 8];
    let mut place = 0;
    while place < 8 {
        all[place] = fraction(PRIMES[place], 2);
        place += 1;
    }
    all
}

/// A digest in the making.
#[derive(Debug, Clone)]
pub(super) struct Digest {
    state: [u32; 8],
    block: [u8; 64],
    filled: usize,
    length: u64,
}

impl Digest {
    /// Of nothing yet.
    pub(super) const fn new() -> Self {
        Self { state: START, block: [0; 64], filled: 0, length: 0 }
    }

    /// The first 128 bits of the digest of some bytes, 32 hex digits.
    pub(super) fn of(bytes: &[u8]) -> String {
        let mut digest = Self::new();
        digest.add(bytes);
        digest.short()
    }

    /// Goes on with more bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = rest.len().min(64 - self.filled);
            let (now, later) = rest.split_at(taken);
            self.block[self.filled..self.filled + taken].copy_from_slice(now);
            self.filled += taken;
            rest = later;
            if self.filled == 64 {
                compress(&mut self.state, &self.block);
                self.filled = 0;
            }
        }
    }

    /// The first 128 bits, 32 hex digits.
    pub(super) fn short(self) -> String {
        self.finish().iter().take(4).map(|word| format!("{word:08x}")).collect()
    }

    fn finish(mut self) -> [u32; 8] {
        let bits = self.length.wrapping_mul(8);
        self.add(&[0x80]);
        while self.filled != 56 {
            self.add(&[0]);
        }
        self.add(&bits.to_be_bytes());
        self.state
    }
}

fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut words = [0_u32; 64];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    for place in 16..64 {
        let (early, late) = (words[place - 15], words[place - 2]);
        let first = early.rotate_right(7) ^ early.rotate_right(18) ^ early >> 3;
        let second = late.rotate_right(17) ^ late.rotate_right(19) ^ late >> 10;
        words[place] = words[place - 16].wrapping_add(first).wrapping_add(words[place - 7]).wrapping_add(second);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, round) in words.iter().zip(ROUNDS) {
        let mixed = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let chosen = e & f ^ !e & g;
        let one = h.wrapping_add(mixed).wrapping_add(chosen).wrapping_add(round).wrapping_add(*word);
        let mixed = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let two = mixed.wrapping_add(a & b ^ a & c ^ b & c);
        (h, g, f, e) = (g, f, e, d.wrapping_add(one));
        (d, c, b, a) = (c, b, a, one.wrapping_add(two));
    }
    for (kept, added) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *kept = kept.wrapping_add(added);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> String {
        let mut digest = Digest::new();
        digest.add(bytes);
        digest.finish().iter().map(|word| format!("{word:08x}")).collect()
    }

    #[test]
    fn it_agrees_with_the_examples_of_the_standard() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(whole(bytes), expected);
        check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check(
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        );
        check(&vec![b'a'; 1_000_000], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        assert_eq!(Digest::of(b"abc"), "ba7816bf8f01cfea414140de5dae2223");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut digest = Digest::new();
            digest.add(first);
            digest.add(second);
            prop_assert_eq!(digest.short(), Digest::of(&bytes));
        }
    }
}
