//! Characters that nobody sees, and that change what everybody sees: the cursor's, the colours', the direction of writing.

/// Format characters (Unicode 16, category Cf), among them those that turn the direction of writing around, and the two separators of
/// lines and paragraphs (Zl, Zp), as ranges with both ends.
const FORMAT: [(u32, u32); 22] = [
    (0x00AD, 0x00AD),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x2029),
    (0x202A, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
];

/// Whether it is a control or format character: text that has one may not be what it looks like.
pub(crate) fn is_invisible(c: char) -> bool {
    let code = u32::from(c);
    let is_in = |(first, last): &(u32, u32)| (*first..=*last).contains(&code);
    c.is_control() || FORMAT.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_the_writing_is_invisible_and_letters_are_not() {
        for c in [
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{200b}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in [' ', 'a', 'ä', '…', '█', 'ש', '字', '€', '\u{301}'] {
            assert!(!is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn the_ranges_are_in_order_and_apart() {
        let pairs = FORMAT.windows(2);
        assert!(pairs.into_iter().all(|pair| pair[0].1 < pair[1].0));
        assert!(FORMAT.iter().all(|(first, last)| first <= last));
    }
}
