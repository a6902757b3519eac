//! What a process that holds secrets does first: no memory of it reaches a disk or a neighbour.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Turns core dumps off, and with them tracing by other processes of this user.
///
/// # Errors
/// The system refused, so a crash could write secrets to disk.
pub fn harden() -> std::io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    // A limit does not stop a core handler that reads from a pipe; this does, and hides /proc/PID/mem and environ from this user too.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Makes panics say where and never what: a message may hold the value that caused it.
pub fn withhold_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        if tracing::dispatcher::has_been_set() {
            tracing::error!(panic.place = %place, panic.thread = thread, "a bug ended a task; its message is withheld, since it may hold a secret");
        } else {
            let line = format!(
                "keylease: a bug at {place}; its message is withheld, since it may hold a secret\n"
            );
            // There is nobody left to tell.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
        }
    }));
}
