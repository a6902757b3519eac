//! One message about an alert, in the forms that its receivers take. Nothing in it is trusted: it is escaped, and cut where it is long.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Severity;
use super::delivery::Event;
use super::sentences::time;
use crate::characters;
use crate::domain::time::Timestamp;

/// The version of the body that webhooks get: it only gains fields.
const FORMAT: u32 = 1;
/// The longest text of a chat message, in characters: Telegram takes 4,096, and escaping makes some longer.
const TEXT_CHARS_MAX: usize = 2_000;

/// One message about an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Of this delivery: one that comes again, since its answer was lost, has the same.
    pub id: Uuid,
    /// What is told.
    pub event: Event,
    /// Of the alert: the same from its opening to its end.
    pub alert: Uuid,
    /// What it is about, in a word.
    pub kind: String,
    /// The resource, by name.
    pub resource: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is so.
    pub summary: String,
    /// What to do.
    pub remedy: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Since when it holds.
    pub open_time: Timestamp,
    /// When it was over.
    pub resolve_time: Option<Timestamp>,
}

impl Notice {
    /// One that only shows that messages arrive.
    #[must_use]
    pub fn test(id: Uuid, by: &str, now: Timestamp) -> Self {
        Self {
            id,
            event: Event::Test,
            alert: id,
            kind: "test".to_owned(),
            resource: super::VAULT.to_owned(),
            severity: Severity::Info,
            summary: format!("{by} tries whether alerts of keylease arrive here: they do"),
            remedy: "nothing to do".to_owned(),
            until: None,
            open_time: now,
            resolve_time: None,
        }
    }

    /// The body of a webhook.
    #[must_use]
    pub fn webhook_body(&self) -> Vec<u8> {
        let body = json!({
            "format": FORMAT,
            "id": self.id,
            "event": self.event.as_str(),
            "alert": self.alert,
            "kind": self.kind,
            "severity": self.severity.as_str(),
            "resource": self.resource,
            "summary": self.summary,
            "remedy": self.remedy,
            "until": self.until.map(time),
            "open_time": time(self.open_time),
            "resolve_time": self.resolve_time.map(time),
        });
        body.to_string().into_bytes()
    }

    /// The body for Slack: in its `text` three characters have a meaning, once its own markup is off.
    #[must_use]
    pub fn slack_body(&self) -> Vec<u8> {
        let mut text = String::new();
        for c in self.text().chars() {
            match c {
                '&' => text.push_str("&amp;"),
                '<' => text.push_str("&lt;"),
                '>' => text.push_str("&gt;"),
                _ => text.push(c),
            }
        }
        let body =
            json!({"text": text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false});
        body.to_string().into_bytes()
    }

    /// The body for Telegram. It names no parse mode, so that no character has a meaning.
    #[must_use]
    pub fn telegram_body(&self, chat: &str) -> Vec<u8> {
        let body = json!({
            "chat_id": chat_id(chat),
            "text": self.text(),
            "link_preview_options": {"is_disabled": true},
        });
        body.to_string().into_bytes()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let (severity, kind) = (self.severity.as_str(), &self.kind);
        let head = match self.event {
            Event::Opened => format!("KeyLease {severity}: {kind}"),
            Event::StillOpen => format!(
                "KeyLease {severity}: {kind}, since {}",
                time(self.open_time)
            ),
            Event::Resolved => format!("KeyLease resolved: {kind}"),
            Event::Test => "KeyLease test".to_owned(),
        };
        let mut text = format!("{head}\n{}", self.summary);
        if self.event == Event::Resolved {
            text = format!("{head}\nno longer so: {}", self.summary);
        } else if !self.remedy.is_empty() {
            text = format!("{text}\nTo do: {}", self.remedy);
        }
        bounded(&text)
    }
}

/// A number where it is one, as Telegram has it; else the name of a channel.
fn chat_id(chat: &str) -> Value {
    chat.parse::<i64>()
        .map_or_else(|_| Value::from(chat), Value::from)
}

/// Without characters that would reach a terminal or turn text around, and not too long.
fn bounded(text: &str) -> String {
    let printable = |c: char| {
        if c == '\n' || !characters::is_invisible(c) {
            c
        } else {
            ' '
        }
    };
    let mut bounded: String = text.chars().take(TEXT_CHARS_MAX).map(printable).collect();
    if text.chars().nth(TEXT_CHARS_MAX).is_some() {
        bounded.push('…');
    }
    bounded
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
