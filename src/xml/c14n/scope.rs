//! Which namespace declarations the output holds at the present element.

use super::super::names::XML;

/// The declarations that output ancestors and the present element have written.
///
/// One entry for each prefix in scope, and a list of what to restore when an element ends: a look-up costs at most the
/// number of prefixes in scope, however often they are bound anew.
#[derive(Default)]
pub(super) struct Scope<'d> {
    written: Vec<Declaration<'d>>,
    /// What an inner declaration hides.
    undo: Vec<(usize, &'d str)>,
    /// What the present element writes.
    pending: Vec<Declaration<'d>>,
}

/// `prefix` is empty for the default namespace.
#[derive(Clone, Copy)]
pub(super) struct Declaration<'d> {
    pub(super) prefix: &'d str,
    pub(super) namespace: &'d str,
}

/// Marks where an element began.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    written: usize,
    undo: usize,
}

impl<'d> Scope<'d> {
    /// Begins an element.
    pub(super) fn enter(&mut self) -> Mark {
        self.pending.clear();
        Mark {
            written: self.written.len(),
            undo: self.undo.len(),
        }
    }

    /// Ends the element that began at `mark`.
    pub(super) fn leave(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            let Some((at, namespace)) = self.undo.pop() else { break };
            if let Some(written) = self.written.get_mut(at) {
                written.namespace = namespace;
            }
        }
        self.written.truncate(mark.written);
    }

    /// The present element needs `prefix` bound to `namespace`: a declaration, unless an output ancestor's still holds
    /// (Canonical XML 1.0, section 2.3; Exclusive XML Canonicalization 1.0, section 3). An empty default namespace is
    /// what holds when nothing was written.
    pub(super) fn require(&mut self, prefix: &'d str, namespace: &'d str) {
        if namespace == XML {
            return;
        }
        let at = self.written.iter().position(|written| written.prefix == prefix);
        match at.and_then(|at| self.written.get_mut(at).map(|written| (at, written))) {
            Some((_, written)) if is_same(written.namespace, namespace) => return,
            Some((at, written)) => {
                self.undo.push((at, written.namespace));
                written.namespace = namespace;
            }
            None if namespace.is_empty() => return,
            None => self.written.push(Declaration { prefix, namespace }),
        }
        self.pending.push(Declaration { prefix, namespace });
    }

    /// What the present element writes, in the order of prefixes (Canonical XML 1.0, section 2.2).
    pub(super) fn pending(&mut self) -> &[Declaration<'d>] {
        self.pending.sort_unstable_by_key(|declaration| declaration.prefix);
        &self.pending
    }
}

/// Equality of namespace names; the parser keeps each once, so that most are the very same text.
fn is_same(left: &str, right: &str) -> bool {
    core::ptr::eq(left, right) || left == right
}
