//! Which documents a search may find: the caller's rule, asked once for each document of each part of the index.

/// A rule over slots, applied to many at once so that the rule itself can be inlined into the loop.
trait Rule {
    fn judge(&self, slots: &[u32], permitted: &mut Vec<bool>);
}

impl<F: Fn(u32) -> bool> Rule for F {
    fn judge(&self, slots: &[u32], permitted: &mut Vec<bool>) {
        permitted.clear();
        permitted.extend(slots.iter().map(|slot| self(*slot)));
    }
}

/// The documents that a search may find. There is no search without it.
///
/// The rule is asked once for each document that the index holds, not once for each passage, and always on the thread
/// that searches.
pub struct Allowed<'a> {
    rule: &'a dyn Rule,
}

impl<'a> Allowed<'a> {
    /// The documents whose slot the rule accepts.
    pub fn of<F: Fn(u32) -> bool>(rule: &'a F) -> Self {
        Self { rule }
    }

    pub(super) fn judge(&self, slots: &[u32]) -> Vec<bool> {
        let mut permitted = Vec::with_capacity(slots.len());
        self.rule.judge(slots, &mut permitted);
        permitted
    }
}
