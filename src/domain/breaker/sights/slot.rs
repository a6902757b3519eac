//! Uses that were counted together, and what share of them is a word.

/// Failures of this share of its uses make a caller's word that the provider fails: while a fifth is served, leases go on. A provider
/// that fails three of ten passes by far.
const FAILING: (u32, u32) = (4, 5);

/// Uses, and how many of them failed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    pub(super) failures: u32,
    pub(super) uses: u32,
}

impl Slot {
    pub(super) const fn is_failing(self) -> bool {
        self.failures * FAILING.1 >= self.uses * FAILING.0
    }
}

pub(super) const fn is_share(part: usize, whole: usize) -> bool {
    part * FAILING.1 as usize >= whole * FAILING.0 as usize
}
