//! Floor 5: the gRPC edge. Authenticate, parse, call the vault, convert; one file makes a `Status`.

pub mod admin;
pub mod ahead;
pub mod auth;
pub mod authenticate;
pub mod call_bound;
mod convert;
mod explaining;
mod hindrance_messages;
pub mod lease;
mod mask;
pub mod observe;
mod reasons;
mod refusal_detail;
mod refusal_messages;
mod renewal_messages;
pub mod restate;
pub mod status;
