//! The only SQL: state, epoch log, hot records.
