//! The tensors of a GGUF file: element types with their block sizes, and where each tensor lies.

/// How a tensor's elements are stored. The block layouts are ggml's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TensorType {
    code: u32,
    /// Its usual name, `Q4_0` for example.
    pub name: &'static str,
    /// Elements in one block.
    pub block_elements: u64,
    /// Bytes of one block.
    pub block_bytes: u64,
}

macro_rules! types {
    ($($code:literal $name:ident $elements:literal $bytes:literal),* $(,)?) => {
        impl TensorType {
            $(
                #[doc = concat!("`", stringify!($name), "`: ", stringify!($bytes), " bytes for ", stringify!($elements), " elements.")]
                pub const $name: Self =
                    Self { code: $code, name: stringify!($name), block_elements: $elements, block_bytes: $bytes };
            )*

            /// Every type that can be read.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

types! {
    0 F32 1 4, 1 F16 1 2, 2 Q4_0 32 18, 3 Q4_1 32 20, 6 Q5_0 32 22, 7 Q5_1 32 24, 8 Q8_0 32 34, 9 Q8_1 32 36,
    10 Q2_K 256 84, 11 Q3_K 256 110, 12 Q4_K 256 144, 13 Q5_K 256 176, 14 Q6_K 256 210, 15 Q8_K 256 292,
    16 IQ2_XXS 256 66, 17 IQ2_XS 256 74, 18 IQ3_XXS 256 98, 19 IQ1_S 256 50, 20 IQ4_NL 32 18, 21 IQ3_S 256 110,
    22 IQ2_S 256 82, 23 IQ4_XS 256 136, 24 I8 1 1, 25 I16 1 2, 26 I32 1 4, 27 I64 1 8, 28 F64 1 8,
    29 IQ1_M 256 56, 30 BF16 1 2, 34 TQ1_0 256 54, 35 TQ2_0 256 66, 39 MXFP4 32 17, 40 NVFP4 64 36,
    41 Q1_0 128 18, 42 Q2_0 64 18,
}

impl TensorType {
    /// The type with the number that the format gives it.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code == code)
    }

    /// The number that the format gives to this type.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.code
    }

    /// Bytes of a tensor of these dimensions; the first is the row length, which must be whole blocks.
    /// Nothing, when it is not, or when the product is too large for 64 bits.
    #[must_use]
    pub fn bytes(self, dimensions: &[u64]) -> Option<u64> {
        let row = *dimensions.first()?;
        if row == 0 || !row.is_multiple_of(self.block_elements) {
            return None;
        }
        let row_bytes = (row / self.block_elements).checked_mul(self.block_bytes)?;
        dimensions.get(1..)?.iter().try_fold(row_bytes, |total, &count| total.checked_mul(count))
    }
}

/// One tensor: what it is called, its shape and where its bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorEntry {
    /// Its name, `blk.0.attn_q.weight` for example.
    pub name: String,
    /// One to four sizes, row length first.
    pub dimensions: Vec<u64>,
    /// How elements are stored.
    pub kind: TensorType,
    /// First byte, counted from the start of the data section.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u64,
}

impl TensorEntry {
    /// How many elements it has.
    #[must_use]
    pub fn elements(&self) -> u64 {
        // INVARIANT: `bytes` was computed without overflow, and no type has more elements than eight per byte.
        self.dimensions.iter().fold(1, |total, &count| total.saturating_mul(count))
    }
}
