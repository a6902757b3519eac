//! Who runs a command that acts on the database itself, for the audit: there is no caller.

/// The longest name of a host or user that is told.
const NAME_MAX: usize = 64;

/// As the machine knows him. The name is what the environment says, the number and the host are the kernel's.
pub(super) fn source() -> String {
    let uid = rustix::process::getuid().as_raw();
    let user = plain(&std::env::var("USER").unwrap_or_default());
    let system = rustix::system::uname();
    let host = plain(&system.nodename().to_string_lossy());
    format!("the command line of user {uid} ({user}) on {host}")
}

fn plain(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().filter(is_plain).take(NAME_MAX).collect()
}
