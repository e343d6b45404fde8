//! HTTP: routes, error envelope.
