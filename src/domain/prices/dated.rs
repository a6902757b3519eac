//! Names of models that end in a date: `gpt-4.1-2025-04-14`, `claude-sonnet-4-20250514`, `claude-sonnet-4@20250514`.

/// The name without its date; none if it has none.
pub(super) fn undated(model: &str) -> Option<&str> {
    let with_dashes = tail(model, "-2025-04-14".len(), |tail| {
        let (year, rest) = tail.strip_prefix('-')?.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        is_date(year, month, day).then_some(())
    });
    with_dashes.or_else(|| {
        tail(model, "-20250414".len(), |tail| {
            let date = tail.strip_prefix(['-', '@'])?;
            is_date(date.get(..4)?, date.get(4..6)?, date.get(6..)?).then_some(())
        })
    })
}

/// What stands before the last so many bytes, if something does and they are as they should be.
fn tail(model: &str, bytes: usize, is_date: impl Fn(&str) -> Option<()>) -> Option<&str> {
    let at = model.len().checked_sub(bytes).filter(|at| *at > 0)?;
    let (name, tail) = model.split_at_checked(at)?;
    is_date(tail).map(|()| name)
}

/// Of this century, since model names have other numbers in them.
fn is_date(year: &str, month: &str, day: &str) -> bool {
    let number = |text: &str, digits: usize| -> Option<u32> {
        let is_plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        is_plain.then(|| text.parse().ok()).flatten()
    };
    let is_in = |text, digits, min, max| {
        number(text, digits).is_some_and(|number| (min..=max).contains(&number))
    };
    is_in(year, 4, 2_000, 2_099) && is_in(month, 2, 1, 12) && is_in(day, 2, 1, 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_at_the_end_is_left_out_and_nothing_else_is() {
        assert_eq!(undated("gpt-4.1-2025-04-14"), Some("gpt-4.1"));
        assert_eq!(undated("claude-opus-4-20250514"), Some("claude-opus-4"));
        assert_eq!(undated("claude-opus-4@20250514"), Some("claude-opus-4"));
        for whole in [
            "",
            "gpt-4",
            "-2025-04-14",
            "gpt-4-0613",
            "gpt-4-1999-04-14",
            "gpt-4-2025-13-14",
            "gpt-4-2025-04-32",
            "gpt-4-20251301",
            "gpt-4_20250414",
            "gpt-4-2025-04-1４",
            "ééééé-2025",
        ] {
            assert_eq!(undated(whole), None, "{whole}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic_and_what_it_answers_begins_the_name(name in "\\PC{0,40}") {
            if let Some(rest) = undated(&name) {
                prop_assert!(name.starts_with(rest) && !rest.is_empty());
            }
        }
    }
}
