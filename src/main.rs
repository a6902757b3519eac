//! The `keylease` binary: harden, parse, run. What each command does is in `app/commands.rs`.

use std::{io::Write, process::ExitCode};

use keylease::app::{commands, hardening};

/// A lease makes some thirty small allocations on one thread and frees them on another, which the system's allocator is slow at.
/// Without transparent huge pages: they make it no faster, and a small process twice as large.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hardening::withhold_panic_messages();
    if let Err(cause) = hardening::harden() {
        let line = format!(
            "keylease: core dumps can't be turned off, and one would hold secrets: {cause}\n"
        );
        // There is nobody left to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
        return ExitCode::FAILURE;
    }
    commands::parse_and_run()
}
