//! Who may see what: directory, `Access`, `Sealed` and `Checked`. The decision is pure and explains itself (ACCESS.md).
