//! The flags that fields of requests come from: who typed `--window` has never heard of `limit.rolling`.

/// The end of a field's path, without indexes, and the flag that fills it. The first that fits counts, so longer ends come first.
const FLAGS: &[(&str, &str)] = &[
    ("estimate.input_tokens", "--estimate-input"),
    ("estimate.output_tokens_max", "--estimate-output"),
    ("estimate.cost_micros", "--estimate-cost-micros"),
    ("usage.input_tokens", "--usage-input"),
    ("usage.cached_input_tokens", "--usage-cached-input"),
    ("usage.output_tokens", "--usage-output"),
    ("usage.requests", "--usage-requests"),
    ("usage.cost_micros", "--usage-cost-micros"),
    ("usage.model", "--usage-model"),
    ("http.status", "--status"),
    ("transport.detail", "--detail"),
    ("limit.rolling", "--window"),
    ("limit.calendar", "--calendar"),
    ("limit.models", "--model"),
    ("limit.amount", "--amount"),
    ("limit.dimension", "--dimension"),
    ("limit.mode", "--mode"),
    ("limit.block_validity", "--block-validity"),
    ("limit.start_within", "--start-within"),
    ("limit.blackout_max", "--blackout-max"),
    ("pool.members", "--member"),
    ("pool.members.target", "--member"),
    ("pool.members.tier", "--member NAME:tier=…"),
    ("pool.members.weight", "--member NAME:weight=…"),
    ("health_policy.failure_threshold", "--failure-threshold"),
    ("health_policy.dead_ttl", "--dead-ttl"),
    ("health_policy.unhealthy_ttl", "--unhealthy-ttl"),
    ("health_policy.probe_enabled", "--probe"),
    ("health_policy.probe_interval", "--probe-interval"),
    ("health_policy.healthy_keys_min", "--healthy-keys-min"),
    ("rotation_policy.interval", "--rotation-interval"),
    ("account.provider_profile", "--profile"),
    ("account.base_url", "--base-url"),
    ("account.allowed_hosts", "--allowed-host"),
    ("account.allow_http", "--allow-http"),
    ("credential_placement.header", "--credential-header"),
    ("credential_placement.query", "--credential-query"),
    ("credential_placement.prefix", "--credential-prefix"),
    ("caller.grants", "--lessee, --role"),
    ("caller.grants.pool_pattern", "--lessee"),
    ("caller.grants.role", "--role"),
    ("key.model_allow", "--model-allow"),
    ("key.model_deny", "--model-deny"),
    ("key.model_map", "--model-map"),
    ("labels", "--label"),
    ("lease_duration", "--lease-duration"),
    (
        "estimate",
        "--estimate-input, --estimate-output, --estimate-cost-micros",
    ),
    ("max_wait", "--max-wait"),
    ("affinity_key", "--affinity"),
    ("retry_token", "--retry-token"),
    ("requests", "--requests"),
    ("tags", "--tag"),
    ("sequence", "--sequence"),
    ("outcomes.count", "--count"),
    ("started_after", "--started-after"),
    ("latency", "--latency"),
    ("expire_time", "--expires-in, --expires-at"),
    ("display_name", "--display-name"),
    ("request_id", "--request-id"),
    ("reason", "--reason"),
    ("why", "--why"),
    ("until", "--until, --for"),
    ("filter", "--filter"),
    ("page_token", "--page-token"),
    ("interval", "--interval"),
    ("secret", "--secret-file, --secret-stdin, --fields-file"),
    ("secret.value", "--secret-file, --secret-stdin"),
    ("secret.fields", "--fields-file"),
];

/// The flag behind a field of a request, if a flag fills it: `--window` for `limit.rolling`.
pub(crate) fn flag(field: &str) -> Option<&'static str> {
    let path = without_indexes(field);
    // The model and account of a lease are flags; in other requests, fields of these names are resources.
    match path.as_str() {
        "model" => return Some("--model"),
        "account" => return Some("--account"),
        _ => {}
    }
    let fits = |end: &str| {
        let rest = path.strip_suffix(end);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let mut flags = FLAGS.iter();
    flags.find(|(end, _)| fits(end)).map(|(_, flag)| *flag)
}

/// A field with its flag: `limit.rolling (--window)`.
pub(crate) fn named(field: &str) -> String {
    match flag(field) {
        Some(flag) => format!("{field} ({flag})"),
        None => field.to_owned(),
    }
}

/// `pool.members[0].tier` is `pool.members.tier`.
fn without_indexes(field: &str) -> String {
    let mut depth = 0_usize;
    let outside = field.chars().filter(|letter| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    outside.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use clap::Subcommand as _;

    use super::*;

    #[test]
    fn a_field_is_shown_with_the_flag_that_filled_it() {
        for (field, flag) in [
            ("limit.rolling", "limit.rolling (--window)"),
            (
                "pools[3].pool.members[0].tier",
                "pools[3].pool.members[0].tier (--member NAME:tier=…)",
            ),
            (
                "outcomes[0].usage.input_tokens",
                "outcomes[0].usage.input_tokens (--usage-input)",
            ),
            ("account.labels", "account.labels (--label)"),
            ("model", "model (--model)"),
            ("account_id", "account_id"),
            ("name", "name"),
        ] {
            assert_eq!(named(field), flag);
        }
    }

    #[test]
    fn every_flag_exists() {
        fn walk(command: &clap::Command, known: &mut HashSet<String>) {
            let longs = command.get_arguments().filter_map(clap::Arg::get_long);
            known.extend(longs.map(|long| format!("--{long}")));
            command.get_subcommands().for_each(|c| walk(c, known));
        }
        let mut known = HashSet::new();
        let binary = crate::cli::Command::augment_subcommands(clap::Command::new("keylease"));
        walk(&binary, &mut known);
        for (_, flags) in FLAGS {
            for flag in flags.split(", ") {
                let flag = flag.split(' ').next().unwrap();
                assert!(known.contains(flag), "{flag}");
            }
        }
    }
}
