//! The files of rules: how they are written, and which are built in.

use serde::Deserialize;

use super::rule::{Rule, Written};
use super::stated;

/// The format of rule files that this release reads.
const FORMAT: u32 = 1;
/// The most rules of one file.
const RULES_MAX: usize = 256;
/// The largest compiled pattern of a built-in rule.
const PATTERN_BYTES_MAX: usize = 512 * 1024;
/// The built-in files. TOML, since each rule carries its reason as a comment, and a person can add one without knowing Rust.
pub(super) const FILES: &[(&str, &str)] = &[
    ("anthropic", include_str!("rules/anthropic.toml")),
    ("aws", include_str!("rules/aws.toml")),
    ("azure", include_str!("rules/azure.toml")),
    ("dashscope", include_str!("rules/dashscope.toml")),
    ("gemini", include_str!("rules/gemini.toml")),
    ("github", include_str!("rules/github.toml")),
    ("google_maps", include_str!("rules/google_maps.toml")),
    ("minimax", include_str!("rules/minimax.toml")),
    ("openai", include_str!("rules/openai.toml")),
    (
        "openai_compatible",
        include_str!("rules/openai_compatible.toml"),
    ),
    ("openrouter", include_str!("rules/openrouter.toml")),
    ("services", include_str!("rules/services.toml")),
    ("slack", include_str!("rules/slack.toml")),
    ("stripe", include_str!("rules/stripe.toml")),
    ("zhipu", include_str!("rules/zhipu.toml")),
];
/// What is evaluated after a provider's own, in this order: what the status alone says comes last.
pub(super) const COMMON: &[(&str, &str)] = &[
    ("egress", include_str!("rules/common/1-egress.toml")),
    ("request", include_str!("rules/common/2-request.toml")),
    ("credential", include_str!("rules/common/3-credential.toml")),
    ("model", include_str!("rules/common/4-model.toml")),
    ("provider", include_str!("rules/common/5-provider.toml")),
    ("quota", include_str!("rules/common/6-quota.toml")),
    ("rate", include_str!("rules/common/7-rate.toml")),
    ("status", include_str!("rules/common/8-status.toml")),
];

/// A file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: u32,
    #[serde(default)]
    pub(super) provider: Vec<Provider>,
    #[serde(default)]
    pub(super) rule: Vec<Written>,
}

/// One provider of a file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) names: Vec<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    pub(super) limits: Option<String>,
    #[serde(default)]
    pub(super) zone_hours: i8,
    /// Headers that tell of its budgets.
    #[serde(default)]
    pub(super) limit: Vec<stated::Written>,
    /// Files whose rules come after its own.
    #[serde(default)]
    pub(super) then: Vec<String>,
}

/// Why a rule file is not taken: which one, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule file {file}: {what}")]
pub struct RuleError {
    file: String,
    what: String,
}

pub(super) fn read(name: &str, text: &str) -> Result<File, RuleError> {
    let file = parse(text).map_err(|what| error(name, what))?;
    if file.rule.len() > RULES_MAX {
        return Err(error(name, format!("more than {RULES_MAX} rules")));
    }
    Ok(file)
}

/// Reads a file of this format.
pub(super) fn parse(text: &str) -> Result<File, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().matches('\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    if file.version != FORMAT {
        let version = file.version;
        return Err(format!("version {version} is not read, must be {FORMAT}"));
    }
    Ok(file)
}

pub(super) fn rules_of(file: &str, written: Vec<Written>) -> Result<Vec<Rule>, RuleError> {
    let parse = |written: Written| {
        let id = written.id.clone();
        let parsed = Rule::parse(file, written, PATTERN_BYTES_MAX);
        parsed.map_err(|what| error(file, format!("rule {id}: {what}")))
    };
    written.into_iter().map(parse).collect()
}

pub(super) fn error(file: &str, what: String) -> RuleError {
    let file = file.to_owned();
    RuleError { file, what }
}
