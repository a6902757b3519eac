//! Whose token a verb wants, and what to say where there is none.

use super::failure::Failure;

/// Whose token a verb wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// One that may read or change the vault.
    Administrator,
    /// One that may lease and report.
    Lessee,
}

/// There is no token.
pub(crate) fn no_token(role: Role) -> Failure {
    let (whose, file) = match role {
        Role::Administrator => ("no token", "admin.token"),
        Role::Lessee => ("no token of a lessee", "lessee.token"),
    };
    Failure::Unreachable(format!(
        "{whose}: name its file by --token-file or KEYLEASE_TOKEN_FILE (dev keeps one in .keylease/{file}), \
         or put it into KEYLEASE_TOKEN"
    ))
}
