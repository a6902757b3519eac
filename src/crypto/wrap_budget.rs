//! How often one master key may wrap. A nonce is 96 random bits, and NIST SP 800-38D allows 2^32 of those under one key.
//!
//! Each message here has its own AES key, derived with its nonce, so that a repeat would hurt less than under plain GCM. The
//! bound is kept all the same: it is cheap, and the margin is not needed to excuse anything.

/// Wraps after which an operator is told to rotate.
pub const WRAPS_WARN: u64 = 1 << 31;
/// Wraps after which a master key refuses to wrap: nine tenths of 2^32.
pub const WRAPS_REFUSE: u64 = (1 << 32) / 10 * 9;

/// What a count of wraps means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapBudget {
    /// Nothing to do.
    Ok,
    /// Wrap, and tell an operator to rotate the master key.
    Warn,
    /// Don't wrap: promote another master key first.
    Refuse,
}

/// Whether a master key that has wrapped `count` times may wrap once more.
pub fn check_wraps(count: u64) -> WrapBudget {
    match count {
        WRAPS_REFUSE.. => WrapBudget::Refuse,
        WRAPS_WARN.. => WrapBudget::Warn,
        _ => WrapBudget::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_begins_at_its_own_count() {
        assert_eq!(check_wraps(0), WrapBudget::Ok);
        assert_eq!(check_wraps(WRAPS_WARN - 1), WrapBudget::Ok);
        assert_eq!(check_wraps(WRAPS_WARN), WrapBudget::Warn);
        assert_eq!(check_wraps(WRAPS_REFUSE - 1), WrapBudget::Warn);
        assert_eq!(check_wraps(WRAPS_REFUSE), WrapBudget::Refuse);
        assert_eq!(check_wraps(u64::MAX), WrapBudget::Refuse);
    }
}
