//! Rules of an embedding request beyond the shape of its fields.

use crate::completion::inputs;
use crate::embedding::EmbeddingRequest;
use crate::rules;
use crate::strict::InvalidParameter;

/// Most inputs of one request.
const MAX_INPUTS: usize = 2048;

impl EmbeddingRequest {
    /// Checks ranges and rules across fields. Whether the model has these `dimensions` only its engine knows.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        rules::model(&self.model)?;
        inputs("input", &self.input)?;
        rules::at_most("input", self.input.len(), MAX_INPUTS, "inputs")?;
        rules::within("dimensions", self.dimensions, 1..=u32::MAX)?;
        rules::user(self.user.as_ref())
    }
}
