//! How many connections the system's limit of open files leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files for all else: logs, sockets that listen, secrets that are read, a child, and what the runtime keeps.
const OTHERS: u64 = 64;

/// As many of the wanted connections as there are files for beside the `kept` ones, once the soft limit has been raised as far as that
/// needs and the hard one lets it. Nothing here waits by `select`, which numbers beyond 1,023 would break.
pub(super) fn room(wanted: u32, kept: u64) -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let needed = u64::from(wanted) + kept + OTHERS;
    let reachable = limit.maximum.map_or(needed, |hard| hard.min(needed));
    let mut files = limit.current.unwrap_or(u64::MAX);
    if files < reachable {
        let raised = Rlimit {
            current: Some(reachable),
            maximum: limit.maximum,
        };
        // What cannot be raised stays, and is reckoned with.
        if setrlimit(Resource::Nofile, raised).is_ok() {
            files = reachable;
        }
    }
    let left = of(files, wanted, kept);
    if left < wanted {
        tracing::warn!(
            files.max = files,
            connections.max = left,
            "the limit of open files leaves no room for KEYLEASE_CONNECTIONS_MAX, so fewer are served: raise it (ulimit -n, LimitNOFILE) or \
             lower that"
        );
    }
    left
}

/// At least one, since a replica that nobody can reach is of no use.
fn of(files: u64, wanted: u32, kept: u64) -> u32 {
    let left = files.saturating_sub(kept + OTHERS).max(1);
    u32::try_from(left).unwrap_or(u32::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_files_leave_is_served_and_no_more() {
        assert_eq!(of(1_024, 4_096, 138), 1_024 - 138 - 64);
        assert_eq!(of(20_000, 4_096, 138), 4_096);
        assert_eq!(of(10, 4_096, 138), 1);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_is_needed_and_never_lowered() {
        let before = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert_eq!(room(10, 0), 10);
        assert!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) >= before);
    }
}
