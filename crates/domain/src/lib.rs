//! Ids, error kinds, records and units of Freehold: no I/O, no async.
