//! An import as tables: what is planned, what was stored, and what a person should know.

use super::plan::Plan;
use crate::cli::{limits, table, words};
use crate::proto::{Account, ImportKeysRequest, ImportKeysResponse, ImportedAccount, Pool};

const HEADER: [&str; 2] = ["NAME", "WHAT"];

/// What would be stored.
pub(super) fn planned(request: &ImportKeysRequest) -> String {
    let accounts = request.accounts.iter().flat_map(account_rows);
    let pools = request.pools.iter().map(|imported| {
        let name = format!("pools/{}", imported.pool_id);
        [name, imported.pool.as_ref().map(pool).unwrap_or_default()]
    });
    table::list(&HEADER, accounts.chain(pools), "nothing to import")
}

fn account_rows(imported: &ImportedAccount) -> Vec<[String; 2]> {
    let name = format!("accounts/{}", imported.account_id);
    let what = imported.account.as_ref().map(account).unwrap_or_default();
    let mut rows = vec![[name.clone(), what]];
    for limit in &imported.limits {
        let what = limit.limit.as_ref().map(limits::what).unwrap_or_default();
        rows.push([format!("{name}/limits/{}", limit.limit_id), what]);
    }
    for key in &imported.keys {
        rows.push([format!("{name}/keys/{}", key.key_id), String::new()]);
    }
    rows
}

/// What was stored.
pub(super) fn imported(answer: &ImportKeysResponse) -> String {
    let row = |name: &String, what: String| [name.clone(), what];
    let accounts = answer.accounts.iter().map(|a| row(&a.name, account(a)));
    let limits = answer.limits.iter().map(|l| row(&l.name, limits::what(l)));
    let keys = answer.keys.iter().map(|k| row(&k.name, String::new()));
    let pools = answer.pools.iter().map(|p| row(&p.name, pool(p)));
    table::list(
        &HEADER,
        accounts.chain(limits).chain(keys).chain(pools),
        "nothing was imported",
    )
}

fn account(account: &Account) -> String {
    let url = if account.base_url.is_empty() {
        "its own base URL"
    } else {
        &account.base_url
    };
    format!("{} at {url}", account.provider_profile)
}

fn pool(pool: &Pool) -> String {
    let backups = pool.members.iter().filter(|member| member.tier > 1).count();
    let first = pool.members.len() - backups;
    let keys = if first == 1 { "key" } else { "keys" };
    let mut what = format!("{first} {keys}");
    match backups {
        0 => {}
        1 => what += " and 1 backup",
        _ => what += &format!(" and {backups} backups"),
    }
    if let Some(interval) = pool.rotation_policy.and_then(|policy| policy.interval) {
        let interval = words::proto_duration(Some(&interval));
        what += &format!(", rotation {interval}");
    }
    if pool
        .health_policy
        .is_some_and(|policy| policy.probe_enabled)
    {
        what += ", probed";
    }
    what
}

/// Notes, and variables that were not imported.
pub(super) fn remarks(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan
        .notes
        .iter()
        .map(|note| format!("note: {note}"))
        .collect();
    if !plan.ignored.is_empty() {
        lines.push(format!("ignored: {}", plan.ignored.join(", ")));
    }
    if !plan.keys_unread.is_empty() {
        lines.push(format!(
            "looks like a key, not imported: {}: name it X_API_KEY or X_API_KEY_BACKUP_1 to import it",
            plan.keys_unread.join(", ")
        ));
    }
    if !plan.keys_unasked.is_empty() {
        lines.push(format!(
            "not imported, since --only asks for others: {}",
            plan.keys_unasked.join(", ")
        ));
    }
    lines.join("\n")
}

/// What to do with the file afterwards. Deleting it must lose no key.
pub(super) fn advice(file: &str, kept: &[String]) -> String {
    if kept.is_empty() {
        return format!(
            "{file} still holds the keys in clear: delete it, or keep it as safe as they are"
        );
    }
    format!(
        "{file} still holds the keys in clear, and what may be keys that were not imported ({}): import those or put them elsewhere before \
         you delete it, or keep it as safe as they are",
        kept.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_left_behind_are_told_apart_and_again_before_the_file_is_deleted() {
        let plan = Plan {
            ignored: vec!["NODE_ENV".into()],
            keys_unread: vec!["OPENAI_API_KEY_2".into()],
            ..Plan::default()
        };
        let told = remarks(&plan);
        let apart = "looks like a key, not imported: OPENAI_API_KEY_2: name it X_API_KEY";
        assert!(told.contains("ignored: NODE_ENV\n"), "{told}");
        assert!(told.contains(apart), "{told}");
        let told = advice(".env", &plan.keys_unread);
        assert!(
            told.contains("(OPENAI_API_KEY_2)") && told.contains("before you delete it"),
            "{told}"
        );
        assert!(advice(".env", &[]).contains("clear: delete it"));
    }
}
