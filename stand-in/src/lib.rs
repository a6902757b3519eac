//! A provider to try KeyLease against.
