//! Floor 5: the gRPC edge. Authenticate, parse, call the vault, convert; one file makes a `Status`.

pub mod admin;
pub mod auth;
mod convert;
mod mask;
pub mod status;
