//! Upstreams and their dialects, routing, the queue in front of a backend.
