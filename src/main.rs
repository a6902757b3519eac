//! The `keylease` binary.
fn main() {}
