//! The words of a body as rules read them: lower case, without mark-up, addresses apart.

/// One line of plain words, and the addresses that stood between them: `https://…/settings/billing` in a rate limit's upsell says
/// nothing about billing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// Words, single spaces between them.
    pub(super) text: String,
    /// Addresses, one a line.
    pub(super) addresses: String,
}

impl Words {
    /// Adds a text; what comes from another one stands on a line of its own.
    pub(super) fn add(&mut self, raw: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        for word in raw.split_whitespace() {
            self.add_word(word);
        }
    }

    fn add_word(&mut self, word: &str) {
        let begin = word.find("https://").or_else(|| word.find("http://"));
        let (plain, address) = word.split_at(begin.unwrap_or(word.len()));
        let is_apart = self.text.is_empty() || self.text.ends_with('\n');
        if !plain.is_empty() && !is_apart {
            self.text.push(' ');
        }
        let plain = plain.chars().map(plain_char).flat_map(char::to_lowercase);
        self.text.extend(plain);
        if !address.is_empty() {
            self.addresses.push_str(&address.to_ascii_lowercase());
            self.addresses.push('\n');
        }
    }
}

/// Typographic and full-width signs as their plain ones.
const fn plain_char(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2010}'..='\u{2014}' => '-',
        '\u{ff1a}' => ':',
        '\u{ff0c}' => ',',
        '\u{ff1b}' => ';',
        '\u{ff08}' => '(',
        '\u{ff09}' => ')',
        other => other,
    }
}

/// A page without its tags. What stands in scripts stays: no rule reads it.
pub(super) fn without_tags(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut is_inside = false;
    for c in page.chars() {
        match c {
            '<' => {
                is_inside = true;
                out.push(' ');
            }
            '>' if is_inside => is_inside = false,
            c if !is_inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_apart_and_signs_are_plain() {
        let mut words = Words::default();
        words.add("Your  organization’s limit\nis spent: https://x.example/settings/BILLING now");
        words.add("余额不足，请充值");
        let text = "your organization's limit is spent: now\n余额不足,请充值";
        assert_eq!(words.text, text);
        assert_eq!(words.addresses, "https://x.example/settings/billing\n");
    }

    #[test]
    fn a_page_is_its_words() {
        let page = "<html><title>403</title><p>Sorry, <b>you</b> have been blocked";
        let mut words = Words::default();
        words.add(&without_tags(page));
        assert_eq!(words.text, "403 sorry, you have been blocked");
    }
}
