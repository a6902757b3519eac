//! Reads what there is of a JSON text: bodies are cut at 4 KiB, wrapped in other texts, and written by whoever answers. Never fails,
//! never recurses on depth: what cannot be read is passed over.

/// The most scalars that are looked at.
const FIELDS_MAX: usize = 256;
/// So many more are, of what calls itself an error: it may stand at the end of a stream, or behind a long list.
const ERROR_FIELDS_MAX: usize = 64;
/// Deeper than this nothing is read, only counted.
const DEPTH_MAX: usize = 24;
/// A longer path is cut: no rule names one.
const PATH_BYTES_MAX: usize = 160;
/// JSON texts inside strings of JSON texts: gateways wrap what they received, and are wrapped themselves.
const NESTING_MAX: usize = 3;

/// One scalar, with the lower-case names on the way to it: `error.details.reason`. Lists add nothing to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Names, joined by dots; empty for a bare value.
    pub(super) path: String,
    /// A string's text, or a number or word as written.
    pub(super) value: String,
    /// Whether it was in quotes.
    pub(super) is_text: bool,
}

impl Field {
    /// The last name of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// The first name of the path.
    pub(super) fn root(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }
}

/// Appends the scalars of a JSON text, in order.
pub(super) fn scan(text: &str, fields: &mut Vec<Field>) {
    scan_under(text, "", 0, fields);
}

fn scan_under(text: &str, prefix: &str, nesting: usize, fields: &mut Vec<Field>) {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        text,
        at: 0,
        path: prefix.to_owned(),
        frames: Vec::new(),
        too_deep: 0,
        awaits_value: true,
    };
    while fields.len() < FIELDS_MAX + ERROR_FIELDS_MAX {
        let Some(field) = scanner.next_scalar() else {
            return;
        };
        let is_error = || field.root() == "error" || field.path.starts_with("response.error");
        if fields.len() >= FIELDS_MAX && !is_error() {
            continue;
        }
        let inner = field.value.trim_start();
        if field.is_text && nesting < NESTING_MAX && begins_json(inner) {
            let before = fields.len();
            scan_under(inner, &field.path, nesting + 1, fields);
            if fields.len() > before {
                continue;
            }
        }
        fields.push(field);
    }
}

/// Whether a text begins like JSON; many an ordinary message begins with a bracket.
fn begins_json(text: &str) -> bool {
    let inside = text.strip_prefix(['{', '[']).unwrap_or_default();
    inside.trim_start().starts_with(['"', '{', '['])
}

struct Scanner<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    path: String,
    /// For each open object or list: whether it is an object, and the path's length outside of it.
    frames: Vec<(bool, usize)>,
    /// Open objects and lists beyond [`DEPTH_MAX`].
    too_deep: usize,
    /// In an object: a name and a colon have been read.
    awaits_value: bool,
}

impl Scanner<'_> {
    fn next_scalar(&mut self) -> Option<Field> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'{' | b'[' => self.open(byte == b'{'),
                b'}' | b']' => self.close(),
                b',' => self.separate(),
                b'"' => {
                    if let Some(field) = self.string() {
                        return Some(field);
                    }
                }
                b':' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                _ => {
                    if let Some(field) = self.word() {
                        return Some(field);
                    }
                }
            }
        }
        None
    }

    fn open(&mut self, is_object: bool) {
        self.at += 1;
        if self.too_deep > 0 || self.frames.len() >= DEPTH_MAX {
            self.too_deep += 1;
            return;
        }
        self.frames.push((is_object, self.path.len()));
        self.awaits_value = !is_object;
    }

    fn close(&mut self) {
        self.at += 1;
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        if let Some((_, outside)) = self.frames.pop() {
            self.path.truncate(outside);
        }
        self.leave_value();
    }

    fn separate(&mut self) {
        self.at += 1;
        if self.too_deep == 0 {
            self.leave_value();
        }
    }

    /// A value has ended: the next thing is a name in an object, another value in a list.
    fn leave_value(&mut self) {
        match self.frames.last() {
            Some((true, outside)) => {
                self.path.truncate(*outside);
                self.awaits_value = false;
            }
            Some((false, _)) | None => self.awaits_value = true,
        }
    }

    /// A string is a name or a value, by where it stands; a name opens its path.
    fn string(&mut self) -> Option<Field> {
        let value = self.unquote();
        if self.too_deep > 0 {
            return None;
        }
        if self.awaits_value {
            return Some(self.field(value, true));
        }
        if let Some((_, outside)) = self.frames.last() {
            self.path.truncate(*outside);
        }
        let room = PATH_BYTES_MAX.saturating_sub(self.path.len());
        if !self.path.is_empty() && room > 0 {
            self.path.push('.');
        }
        let name = value.chars().flat_map(char::to_lowercase);
        self.path.extend(name.take(room / 4));
        self.awaits_value = true;
        None
    }

    /// A number, `true`, `false`, `null`, or what is none of them.
    fn word(&mut self) -> Option<Field> {
        let is_end = |b: &u8| b",]}{[\":".contains(b) || b.is_ascii_whitespace();
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(is_end).unwrap_or(rest.len()).max(1);
        let word = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        let is_scalar = word.parse::<f64>().is_ok() || ["true", "false"].contains(&word);
        (is_scalar && self.awaits_value && self.too_deep == 0)
            .then(|| self.field(word.to_owned(), false))
    }

    fn field(&self, value: String, is_text: bool) -> Field {
        Field {
            path: self.path.clone(),
            value,
            is_text,
        }
    }

    /// The text of a string that begins here; what was cut off is missing at its end.
    fn unquote(&mut self) -> String {
        let begin = self.at + 1;
        let mut end = begin;
        while let Some(&byte) = self.bytes.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let end = end.min(self.bytes.len());
        self.at = end + 1;
        unescape(self.text.get(begin..end).unwrap_or_default())
    }
}

/// Resolves escapes; half ones, as at a cut, are dropped.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    let mut high = None;
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let unit = u32::from_str_radix(&digits, 16).unwrap_or(0xfffd);
                match (high.take(), unit) {
                    (_, 0xd800..=0xdbff) => high = Some(unit),
                    (Some(high), 0xdc00..=0xdfff) => {
                        let code = 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
                        out.extend(char::from_u32(code));
                    }
                    (_, unit) => out.extend(char::from_u32(unit)),
                }
            }
            Some('n' | 'r' | 't' | 'b' | 'f') => out.push(' '),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests;
