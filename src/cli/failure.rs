//! Why a verb failed, and the exit code that says so.

use std::io;

use tonic::{Code, Status};

/// The vault refused, or the verb failed.
pub(crate) const EXIT_FAILED: u8 = 1;
/// The command line or an input file is wrong.
pub(crate) const EXIT_USAGE: u8 = 2;
/// No answer from the vault, or it does not know us.
pub(crate) const EXIT_UNREACHABLE: u8 = 3;

/// Why a verb failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense; nothing was sent.
    Usage(String),
    /// There was no way to reach the vault, or no token to show it.
    Unreachable(String),
    /// The vault answered with a refusal.
    Refused(Box<Status>),
    /// Something on this machine went wrong.
    Failed(String),
    /// Whoever read our output has enough: not worth a word.
    OutputClosed,
}

impl Failure {
    /// The exit code for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::Unreachable(_) => EXIT_UNREACHABLE,
            Self::Refused(status) if status.code() == Code::Unauthenticated => EXIT_UNREACHABLE,
            Self::Refused(_) | Self::Failed(_) => EXIT_FAILED,
            Self::OutputClosed => 0,
        }
    }

    /// What it says, for where a parser wants text alone.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Usage(message) | Self::Unreachable(message) | Self::Failed(message) => message,
            Self::Refused(status) => status.message().to_owned(),
            Self::OutputClosed => String::new(),
        }
    }

    /// The same mistake, as one of this flag.
    pub(crate) fn of_flag(self, flag: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{flag}: {message}")),
            Self::Unreachable(_) | Self::Refused(_) | Self::Failed(_) | Self::OutputClosed => self,
        }
    }

    /// The same mistake, with what may have been meant.
    pub(crate) fn hinting(self, hint: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{message}; {hint}")),
            Self::Unreachable(_) | Self::Refused(_) | Self::Failed(_) | Self::OutputClosed => self,
        }
    }

    /// An answer that lacks what the contract promises, which only a server of another version would send.
    pub(crate) fn answer_lacks(what: &str) -> Self {
        Self::Failed(format!(
            "the answer has no {what}: is the server of another version?"
        ))
    }
}

impl From<Status> for Failure {
    /// A status made by our own transport is no answer of the vault.
    fn from(status: Status) -> Self {
        let transport = std::error::Error::source(&status)
            .is_some_and(|source| source.is::<tonic::transport::Error>());
        if transport {
            Self::Unreachable(causes(&status))
        } else {
            Self::Refused(Box::new(status))
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Failed(format!("cannot write: {error}"))
        }
    }
}

/// The innermost cause, which is the one that says something ("connection refused").
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_tell_usage_refusal_and_absence_apart() {
        let refused = |code| Failure::from(Status::new(code, "no")).exit_code();
        assert_eq!(Failure::Usage(String::new()).exit_code(), 2);
        assert_eq!(refused(Code::NotFound), 1);
        assert_eq!(refused(Code::Unavailable), 1, "the vault did answer");
        assert_eq!(refused(Code::Unauthenticated), 3);
        assert_eq!(Failure::Unreachable(String::new()).exit_code(), 3);
    }

    #[test]
    fn a_closed_pipe_is_not_a_failure() {
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(closed.exit_code(), 0);
    }
}
