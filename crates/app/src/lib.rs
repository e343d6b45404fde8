//! The verbs: short functions that read aloud.
