//! What the README says, against what the code does: RPCs, configuration, metrics. So that neither can change alone.

use std::collections::BTreeMap;

use clap::CommandFactory;
use keylease::app::commands::Arguments;
use keylease::metric_names;
use prost_reflect::DescriptorPool;

use super::source::root;

/// Variables that hold a secret themselves, and so have no flag.
const WITHOUT_FLAG: [&str; 2] = ["KEYLEASE_MASTER_KEY", "KEYLEASE_PASSPHRASE"];

/// The rows of the README's tables whose first cell is code that begins like this: that cell, and the others.
fn rows(readme: &str, prefix: fn(&str) -> bool) -> BTreeMap<String, Vec<String>> {
    let cells = |line: &str| -> Option<(String, Vec<String>)> {
        let mut cells = line
            .strip_prefix("| `")?
            .trim_end_matches(" |")
            .split(" | ");
        let name = cells.next()?.trim_end_matches('`').to_owned();
        prefix(&name).then(|| (name, cells.map(str::to_owned).collect()))
    };
    readme.lines().filter_map(cells).collect()
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// A table that is not what it should be: what is missing, what is too much, and what differs.
fn differences<T: PartialEq + std::fmt::Debug>(
    wanted: &BTreeMap<String, T>,
    found: &BTreeMap<String, T>,
) -> Vec<String> {
    let missing = wanted.keys().filter(|name| !found.contains_key(*name));
    let needless = found.keys().filter(|name| !wanted.contains_key(*name));
    let differing = wanted.iter().filter_map(|(name, value)| {
        let found = found.get(name).filter(|found| *found != value)?;
        Some(format!(
            "{name}: the README says {found:?}, the code {value:?}"
        ))
    });
    let missing = missing.map(|name| format!("{name}: the README lacks it"));
    let needless = needless.map(|name| format!("{name}: only the README has it"));
    missing.chain(needless).chain(differing).collect()
}

/// Every RPC of both services, and whether it is built.
fn rpcs() -> BTreeMap<String, String> {
    let pool = DescriptorPool::decode(keylease::proto::DESCRIPTORS).unwrap();
    let services = pool
        .services()
        .filter(|service| service.package_name() == "keylease.v1");
    let methods = services.flat_map(|service| {
        service
            .methods()
            .map(|m| m.name().to_owned())
            .collect::<Vec<_>>()
    });
    let unbuilt = unbuilt(
        &text_of("src/service/admin/mod.rs"),
        &text_of("src/service/lease/mod.rs"),
    );
    let built = |name: &String| {
        if unbuilt.contains(name) {
            "not yet"
        } else {
            "yes"
        }
    };
    methods
        .map(|name| (name.clone(), built(&name).to_owned()))
        .collect()
}

/// The RPCs that refuse as not built: those whose row of the admin service's table ends so, and those that the lease service names.
fn unbuilt(admin: &str, leases: &str) -> Vec<String> {
    let of_admin = admin
        .lines()
        .filter(|line| line.trim_end().ends_with("=> not_built;"));
    let name = |line: &str| {
        let request = line.split_once('(')?.1.split_once("Request)")?.0;
        Some(request.to_owned())
    };
    let of_leases = leases.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("let what = \"")?;
        Some(name.split_once('"')?.0.to_owned())
    });
    of_admin.filter_map(name).chain(of_leases).collect()
}

#[test]
fn the_readme_names_every_rpc_and_says_whether_it_is_built() {
    let is_rpc =
        |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('_');
    let found = rows(&text_of("README.md"), is_rpc);
    let found = found
        .into_iter()
        .map(|(name, cells)| (name, cells.last().cloned().unwrap_or_default()));
    let differences = differences(&rpcs(), &found.collect());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_readme_names_every_variable_of_serve_with_its_default() {
    let command = Arguments::command();
    let serve = command.find_subcommand("serve").unwrap();
    let variables = serve.get_arguments().filter_map(|argument| {
        let name = argument.get_env()?.to_str()?.to_owned();
        let default = argument
            .get_default_values()
            .first()
            .and_then(|value| value.to_str());
        Some((
            name,
            default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`")),
        ))
    });
    let secrets = WITHOUT_FLAG.map(|name| (name.to_owned(), "none".to_owned()));
    let wanted = variables.chain(secrets).collect();
    let found = rows(&text_of("README.md"), |name| name.starts_with("KEYLEASE_"));
    let found = found
        .into_iter()
        .map(|(name, cells)| (name, cells.first().cloned().unwrap_or_default()));
    let differences = differences(&wanted, &found.collect());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_readme_names_every_metric_with_its_meaning() {
    let described =
        |metric: &metric_names::Description| (metric.name.to_owned(), vec![metric.help.to_owned()]);
    let wanted = metric_names::ALL.iter().map(described).collect();
    let found = rows(&text_of("README.md"), |name| name.starts_with("keylease_"));
    let differences = differences(&wanted, &found);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_readme_that_says_something_else_is_refused() {
    let readme = "| `KEYLEASE_A` | `1` | one. |\n| `KEYLEASE_B` | none | two. |\n| other | x |\n";
    let found = rows(readme, |name| name.starts_with("KEYLEASE_"));
    assert_eq!(found["KEYLEASE_A"], ["`1`", "one."]);
    let wanted: BTreeMap<String, Vec<String>> = [
        ("KEYLEASE_A".to_owned(), vec!["`2`".to_owned()]),
        ("KEYLEASE_C".to_owned(), vec![]),
    ]
    .into();
    assert_eq!(differences(&wanted, &found).len(), 3);
    let admin = "    get_cost(GetCostRequest) -> GetCostResponse: Read => not_built;\n    a(ARequest) -> B: Read => c;";
    let leases = "        let what = \"RenewLease\".to_owned();";
    assert_eq!(unbuilt(admin, leases), ["GetCost", "RenewLease"]);
}
