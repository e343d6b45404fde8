//! OpenAI-shaped types and stream framing, shared by the door, the engine and upstreams.
