//! Money on the command line: US dollars as people write them, and the whole micros (millionths) that the contract has. Never a fraction.

/// Micros of a dollar.
const MICROS: i64 = 1_000_000;
const DECIMALS: usize = 6;

/// Reads "2.50" as 2,500,000 micros. At most six decimals: nothing is rounded.
pub(crate) fn dollars(text: &str) -> Result<i64, String> {
    let wrong =
        || "not an amount of dollars; give one such as 2.50, with at most six decimals".to_owned();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) || decimals.len() > DECIMALS {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let decimals: i64 = format!("{decimals:0<DECIMALS$}")
        .parse()
        .map_err(|_| wrong())?;
    let micros = whole
        .checked_mul(MICROS)
        .and_then(|w| w.checked_add(decimals));
    micros.ok_or_else(wrong)
}

/// Shows 2,500,000 micros as "2.50", and 1,234,567 as "1.234567": at least cents, and never less than there is.
pub(crate) fn text(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let (whole, rest) = (
        micros / MICROS.unsigned_abs(),
        micros % MICROS.unsigned_abs(),
    );
    let decimals = format!("{rest:0DECIMALS$}");
    let kept = decimals.trim_end_matches('0').len().max(2);
    let whole = super::words::number(i64::try_from(whole).unwrap_or(i64::MAX));
    format!("{sign}{whole}.{}", &decimals[..kept])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dollars_are_read_exactly_or_not_at_all() {
        for (given, micros) in [
            ("2.50", 2_500_000),
            ("0", 0),
            ("0.000001", 1),
            ("10", 10_000_000),
            ("007.1", 7_100_000),
        ] {
            assert_eq!(dollars(given), Ok(micros), "{given}");
        }
        for given in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1.0000001",
            "1e3",
            "9223372036855",
            "١",
        ] {
            assert!(dollars(given).is_err(), "{given}");
        }
    }

    #[test]
    fn micros_are_shown_to_the_last_one() {
        assert_eq!(text(2_500_000), "2.50");
        assert_eq!(text(1_234_567_000_001), "1,234,567.000001");
        assert_eq!(text(0), "0.00");
        assert_eq!(text(-10_000), "-0.01");
        assert_eq!(text(i64::MAX), "9,223,372,036,854.775807");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(micros in 0..i64::MAX) {
            prop_assert_eq!(dollars(&text(micros).replace(',', "")), Ok(micros));
        }
    }
}
