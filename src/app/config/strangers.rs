//! Variables that begin as ours do and mean nothing: a slip of the pen would otherwise leave a default in force unseen.

/// What ours begin with.
const PREFIX: &str = "KEYLEASE_";
/// Slips of the pen: a letter too many, too few or changed, or two swapped.
const SLIPS_MAX: usize = 2;
/// Others of ours that no flag of the binary has: of the client, of tests and of scripts.
const OTHERS: [&str; 6] = [
    "KEYLEASE_TOKEN",
    "KEYLEASE_MASTER_KEY",
    "KEYLEASE_PASSPHRASE",
    "KEYLEASE_BIN",
    "KEYLEASE_TEST_DATABASE_URL",
    "KEYLEASE_SIM_SEED",
];

/// Variables of the environment that begin as ours do and that nothing reads.
#[derive(Debug, Default)]
pub struct Strangers {
    /// Each with the one that was probably meant.
    misspelt: Vec<(String, String)>,
    others: Vec<String>,
}

impl Strangers {
    /// Of this process; `known` are the variables of all flags.
    pub fn of_environment(known: &[String]) -> Self {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self::of(names, known)
    }

    fn of(names: impl Iterator<Item = String>, known: &[String]) -> Self {
        let known: Vec<&str> = known.iter().map(String::as_str).chain(OTHERS).collect();
        let mut found = Self::default();
        for name in names {
            if !name.starts_with(PREFIX) || known.contains(&name.as_str()) || is_platforms(&name) {
                continue;
            }
            let nearest = known.iter().min_by_key(|known| distance(&name, known));
            match nearest.filter(|known| distance(&name, known) <= SLIPS_MAX) {
                Some(near) => found.misspelt.push((name, (*near).to_owned())),
                None => found.others.push(name),
            }
        }
        found.misspelt.sort();
        found.others.sort();
        found
    }

    /// Those that were surely meant to be something else.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> + '_ {
        self.misspelt.iter().map(|(name, near)| {
            format!("{name} is no variable of ours: {near} is meant, or unset it")
        })
    }

    /// Those that may belong to somebody else.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.others.iter().map(|name| {
            format!(
                "{name} is no variable of ours and does nothing: `keylease serve --help` names them"
            )
        })
    }
}

/// What Kubernetes sets in every pod for services named `keylease` or `keylease-…`, such as `KEYLEASE_PORT_7600_TCP_ADDR`.
fn is_platforms(name: &str) -> bool {
    let of_port = |end: &str| {
        let mut words = end.split('_');
        let number = words.next().unwrap_or_default();
        !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
            && matches!(words.next(), Some("TCP" | "UDP" | "SCTP"))
            && matches!(words.next(), None | Some("PROTO" | "PORT" | "ADDR"))
            && words.next().is_none()
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
        || name
            .match_indices("_PORT_")
            .any(|(at, part)| of_port(&name[at + part.len()..]))
}

/// How many letters have to be added, removed, changed or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, wanted) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != wanted);
            let mut least = changed.min(last[column + 1] + 1).min(next[column] + 1);
            let swapped =
                row > 0 && column > 0 && one[row - 1] == *wanted && *letter == other[column - 1];
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Strangers {
        let known = ["KEYLEASE_LISTEN", "KEYLEASE_LOG", "KEYLEASE_LOG_FORMAT"];
        let known = known.map(str::to_owned);
        Strangers::of([name.to_owned()].into_iter(), &known)
    }

    #[test]
    fn a_slip_of_the_pen_is_told_with_what_was_meant() {
        for (name, meant) in [
            ("KEYLEASE_LISTENN", "KEYLEASE_LISTEN"),
            ("KEYLEASE_LITSEN", "KEYLEASE_LISTEN"),
            ("KEYLEASE_LOGFORMAT", "KEYLEASE_LOG_FORMAT"),
            ("KEYLEASE_MASTERKEY", "KEYLEASE_MASTER_KEY"),
        ] {
            let problems: Vec<String> = found(name).problems().collect();
            assert_eq!(problems.len(), 1, "{name}");
            assert!(problems[0].starts_with(name), "{problems:?}");
            assert!(
                problems[0].contains(&format!("{meant} is meant")),
                "{problems:?}"
            );
        }
        let other = found("KEYLEASE_OWNER_TEAM");
        assert_eq!(other.problems().count(), 0);
        assert_eq!(other.warnings().count(), 1);
    }

    #[test]
    fn what_the_platform_sets_for_a_service_of_our_name_is_left_alone() {
        for name in [
            "KEYLEASE_LISTEN",
            "KEYLEASE_TOKEN",
            "KEYLEASE_SERVICE_HOST",
            "KEYLEASE_SERVICE_PORT",
            "KEYLEASE_SERVICE_PORT_GRPC",
            "KEYLEASE_PORT",
            "KEYLEASE_PORT_50051_TCP",
            "KEYLEASE_PORT_50051_TCP_PROTO",
            "KEYLEASE_PORT_50051_TCP_PORT",
            "KEYLEASE_PORT_50051_TCP_ADDR",
            "KEYLEASE_HEADLESS_PORT_7600_TCP_ADDR",
            "HOME",
        ] {
            let found = found(name);
            assert_eq!(
                found.problems().chain(found.warnings()).count(),
                0,
                "{name}"
            );
        }
    }
}
