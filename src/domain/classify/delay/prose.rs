//! Delays in prose: "Please try again in 1.574s", "您的限额将在 2026-09-16 13:42:53 重置".

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use super::amount::{self, Bare};
use super::{Clock, believed, instant};

/// What is said before a delay. "Every 24 hours" is no delay.
const CUES: &str = "again|retry|wait|(?:timed out|blocked|locked|banned) for|come back|available|resets?|replenished|refresh(?:ed|es)?|restored?|renew(?:s|ed)?|regain access|until|cool ?down|将于|将在|恢复|重置";
/// The most characters between a cue and its delay.
const BETWEEN_MAX: usize = 28;
/// A number of seconds without a unit is believed only after these words.
const BARE_AFTER: [&str; 4] = [" after", " in", "-after:", " after:"];
/// Chinese puts the delay first: "请 30 秒后重试".
const CHINESE: &str = r"[0-9][0-9.]* ?(?:毫秒|秒钟?|分钟?|个?小时|天)(?:之)?[后後]";
/// Texts for people in China mean the time of Beijing.
const BEIJING_HOURS: i8 = 8;
/// `Claude AI usage limit reached|1754578800`.
const EPOCH: &str = r"limit reached\|(?P<at>[0-9]{10,13})";

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(Patterns::new);

struct Patterns {
    cues: Regex,
    chinese: Regex,
    epoch: Regex,
}

impl Patterns {
    /// `None` never, as a test shows; constants have no caller to tell.
    fn new() -> Option<Self> {
        Some(Self {
            cues: Regex::new(CUES).ok()?,
            chinese: Regex::new(CHINESE).ok()?,
            epoch: Regex::new(EPOCH).ok()?,
        })
    }
}

/// What a text of lower-case words states; the longest counts.
pub(super) fn told(text: &str, clock: Clock) -> Option<Duration> {
    let patterns = PATTERNS.as_ref()?;
    let cued = patterns.cues.find_iter(text).filter_map(|cue| {
        let rest = &text[cue.end()..];
        let is_end = |c: char| c.is_ascii_digit() || c == '.' || c == '\n';
        let mut near = rest.char_indices().take(BETWEEN_MAX);
        let (between, _) = near.find(|(_, c)| is_end(*c))?;
        let (between, rest) = rest.split_at(between);
        if instant::begins_time_of_day(rest) && is_at(cue.as_str(), between) {
            return clock.until(instant::next_time_of_day(rest, clock.now?)?);
        }
        after_cue(rest, between, clock)
    });
    let chinese = patterns.chinese.find_iter(text);
    let chinese = chinese.filter_map(|found| {
        let (stated, _) = amount::leading(found.as_str(), Bare::Nothing)?;
        Some(stated)
    });
    let epoch = patterns.epoch.captures_iter(text);
    let epoch = epoch.filter_map(|found| {
        let at = instant::epoch(found.name("at")?.as_str())?;
        clock.until(at)
    });
    cued.chain(chinese).chain(epoch).filter_map(believed).max()
}

/// Whether what follows is a point in time: "until 14:30:00", "resets at 14:30:00".
fn is_at(cue: &str, between: &str) -> bool {
    let last = between.split_whitespace().next_back().unwrap_or(cue);
    ["at", "until", "till", "by", "from", "将于"].contains(&last)
}

fn after_cue(rest: &str, between: &str, clock: Clock) -> Option<Duration> {
    let is_periodic = ["every", "each", "per", "up to", "attempt"];
    if is_periodic.iter().any(|word| between.contains(word)) || between.ends_with('-') {
        return None;
    }
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if rest.get(4..5) == Some("-") {
        let line = rest.split(['\n', '。', ']']).next()?;
        let is_chinese = line.contains(['重', '恢', '后']);
        let zone_hours = if is_chinese {
            BEIJING_HOURS
        } else {
            clock.zone_hours
        };
        let end = line
            .char_indices()
            .nth(32)
            .map_or(line.len(), |(end, _)| end);
        return clock.until(instant::date_time(&line[..end], zone_hours)?);
    }
    let said = between.trim_end();
    let is_bare = BARE_AFTER.iter().any(|word| said.ends_with(word));
    let bare = if is_bare {
        Bare::Seconds
    } else {
        Bare::Nothing
    };
    let (stated, after) = amount::leading(rest, bare)?;
    // `retry after 2026/01/01`, `try again in 3 of 5`: a number that goes on, or has another meaning.
    let is_whole =
        after.is_empty() || after.starts_with([' ', '.', ',', ')', ';', '\n', '"', '\'']);
    let is_other = after.starts_with(" of") || after.starts_with(" more");
    (is_whole && !is_other).then_some(stated)
}
