//! The store as its callers use it: on SQLite and on PostgreSQL, across restarts, kills and full disks.

mod it {
    pub(crate) mod identity;
    pub(crate) mod traces;
    pub(crate) mod world;
}
