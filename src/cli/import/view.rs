//! An import as tables: what is planned, what was stored, and what a person should know.

use super::plan::Plan;
use crate::cli::{limits, output, words};
use crate::proto::{ImportKeysRequest, ImportKeysResponse, ImportedAccount, ImportedPool};

const HEADER: [&str; 3] = ["KIND", "NAME", "WHAT"];

/// What would be stored.
pub(super) fn planned(request: &ImportKeysRequest) -> String {
    let accounts = request.accounts.iter().flat_map(account_rows);
    let pools = request.pools.iter().map(pool_row);
    output::list(&HEADER, accounts.chain(pools), "nothing to import")
}

fn account_rows(imported: &ImportedAccount) -> Vec<[String; 3]> {
    let name = format!("accounts/{}", imported.account_id);
    let account = imported.account.clone().unwrap_or_default();
    let url = if account.base_url.is_empty() {
        "the profile's own base URL"
    } else {
        &account.base_url
    };
    let what = format!("profile {}, {url}", account.provider_profile);
    let mut rows = vec![["account".into(), name.clone(), what]];
    for limit in &imported.limits {
        let what = limit.limit.as_ref().map(limits::what).unwrap_or_default();
        rows.push([
            "limit".into(),
            format!("{name}/limits/{}", limit.limit_id),
            what,
        ]);
    }
    for key in &imported.keys {
        rows.push([
            "key".into(),
            format!("{name}/keys/{}", key.key_id),
            String::new(),
        ]);
    }
    rows
}

fn pool_row(imported: &ImportedPool) -> [String; 3] {
    let pool = imported.pool.clone().unwrap_or_default();
    let backups = pool.members.iter().filter(|member| member.tier > 1).count();
    let mut what = format!("1 key in tier 1, {backups} in tier 2");
    if let Some(interval) = pool.rotation_policy.and_then(|policy| policy.interval) {
        let interval = words::proto_duration(Some(&interval));
        what += &format!(", rotation every {interval}");
    }
    if pool
        .health_policy
        .is_some_and(|policy| policy.probe_enabled)
    {
        what += ", probes wanted";
    }
    ["pool".into(), format!("pools/{}", imported.pool_id), what]
}

/// What was stored.
pub(super) fn imported(answer: &ImportKeysResponse) -> String {
    let row = |kind: &str, name: &str, what: String| [kind.to_owned(), name.to_owned(), what];
    let accounts = answer.accounts.iter();
    let accounts = accounts.map(|a| {
        row(
            "account",
            &a.name,
            format!("profile {}, {}", a.provider_profile, a.base_url),
        )
    });
    let limits = answer
        .limits
        .iter()
        .map(|l| row("limit", &l.name, limits::what(l)));
    let keys = answer
        .keys
        .iter()
        .map(|k| row("key", &k.name, String::new()));
    let pools = answer.pools.iter();
    let pools = pools.map(|p| row("pool", &p.name, format!("{} members", p.members.len())));
    output::list(
        &HEADER,
        accounts.chain(limits).chain(keys).chain(pools),
        "nothing was imported",
    )
}

/// Notes and ignored variables.
pub(super) fn remarks(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan
        .notes
        .iter()
        .map(|note| format!("note: {note}"))
        .collect();
    if !plan.ignored.is_empty() {
        lines.push(format!("ignored: {}", plan.ignored.join(", ")));
    }
    lines.join("\n")
}
