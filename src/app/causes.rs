//! A failure and its causes as one sentence, in which nothing is said twice.

/// The failure, then each cause that says something new, parted by colons. Many errors repeat their cause in their own text.
pub(super) fn sentence(failure: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in failure.chain() {
        let text = cause.to_string();
        let is_said = said.last().is_some_and(|last| last.contains(&text));
        if !is_said {
            said.push(text);
        }
    }
    let answers = failure.chain().filter_map(|cause| {
        let error = cause.downcast_ref::<sqlx::Error>()?;
        error.as_database_error()
    });
    // Postgres adds a line to its answers, which is one of its own source and reads like one of a file of ours.
    answers.fold(said.join(": "), |text, answer| {
        text.replace(&answer.to_string(), answer.message())
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;
    use crate::crypto::KeyRing;

    #[test]
    fn a_cause_that_is_said_already_is_not_said_again() {
        let away = std::io::Error::other("Connection refused (os error 111)");
        let away = Err::<(), _>(sqlx::Error::Io(away)).context("can't reach the database");
        let text = sentence(&away.unwrap_err());
        assert_eq!(text.matches("Connection refused").count(), 1, "{text}");
        assert!(text.starts_with("can't reach the database: "), "{text}");
        let ring = KeyRing::parse("klmk2_").unwrap_err();
        let text = sentence(&ring.into());
        assert_eq!(text.matches("begins with klmk1_").count(), 1, "{text}");
        assert!(text.starts_with("line 1 of the master key file"), "{text}");
    }

    #[test]
    fn what_is_new_in_a_cause_is_said() {
        let failure = anyhow::anyhow!("no such file").context("can't read the settings");
        assert_eq!(sentence(&failure), "can't read the settings: no such file");
    }
}
