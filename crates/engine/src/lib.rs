//! The embedded inference process on llama.cpp.
