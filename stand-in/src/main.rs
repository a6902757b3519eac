//! The stand-in provider.
fn main() {}
