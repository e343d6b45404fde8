//! The access rules held against an oracle that shares no code with them, and each rule by example.

mod oracle;
mod rules;
mod world;
