//! Accounts as tables.

use crate::cli::view::{disablement, distrust, paragraph, rotation_interval, state};
use crate::cli::{limits, output, table, words};
use crate::proto::{
    Account, Cooldown, CredentialPlacement, LearnedLimitsPolicy, credential_placement::Place,
};

/// One account.
pub(super) fn one(account: &Account) -> String {
    let limits: Vec<String> = account.limits.iter().map(limits::summary).collect();
    let cooldowns: Vec<String> = account.cooldowns.iter().map(cooldown).collect();
    output::details(&[
        ("name", account.name.clone()),
        ("profile", account.provider_profile.clone()),
        ("base URL", account.base_url.clone()),
        ("allowed hosts", account.allowed_hosts.join(", ")),
        (
            "allow http",
            if account.allow_http { "yes" } else { "" }.into(),
        ),
        (
            "credential",
            placement(account.credential_placement.as_ref()),
        ),
        (
            "rotation interval",
            rotation_interval(account.rotation_policy.as_ref()),
        ),
        (
            "state",
            paragraph(&disablement(account.disablement.as_ref())),
        ),
        ("not believed", distrust(account.distrust.as_ref())),
        ("learned limits", learned_limits(account)),
        ("cooling", cooldowns.join("\n")),
        ("limits", limits.join("\n")),
        ("labels", words::pairs(&account.labels)),
        ("created", words::time(account.create_time.as_ref())),
        ("updated", words::time(account.update_time.as_ref())),
        ("uid", account.uid.clone()),
        ("etag", account.etag.clone()),
    ])
}

/// Several accounts.
pub(super) fn list(accounts: &[Account]) -> String {
    let rows = accounts.iter().map(|account| {
        vec![
            account.name.clone(),
            account.provider_profile.clone(),
            account.base_url.clone(),
            account_state(account),
            account.limits.len().to_string(),
            words::pairs(&account.labels),
        ]
    });
    let header = ["NAME", "PROFILE", "BASE URL", "STATE", "LIMITS", "LABELS"];
    table::list(&header, rows, "no accounts")
}

/// What usually becomes of them is not worth a line.
fn learned_limits(account: &Account) -> String {
    match account.learned_limits() {
        LearnedLimitsPolicy::Adopt => "adopted where they are lower".to_owned(),
        LearnedLimitsPolicy::Unspecified | LearnedLimitsPolicy::Alert => String::new(),
    }
}

fn account_state(account: &Account) -> String {
    let state = state(account.distrust.as_ref(), account.disablement.as_ref());
    match account.cooldowns.as_slice() {
        [] => state,
        [first, ..] => format!("{state}, cooling {}", cooldown(first)),
    }
}

fn cooldown(cooldown: &Cooldown) -> String {
    let model = if cooldown.model.is_empty() {
        "all models"
    } else {
        &cooldown.model
    };
    let until = words::time(cooldown.until.as_ref());
    format!(
        "{model} until {until} ({})",
        words::printable(&cooldown.why)
    )
}

fn placement(placement: Option<&CredentialPlacement>) -> String {
    let Some(placement) = placement else {
        return String::new();
    };
    match &placement.place {
        Some(Place::Header(name)) => format!("header {name}: {}KEY", placement.prefix),
        Some(Place::Query(name)) => format!("query {name}={}KEY", placement.prefix),
        None => String::new(),
    }
}
