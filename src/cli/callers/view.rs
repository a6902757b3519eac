//! Callers as tables.

use crate::cli::view::{disablement, distrust, paragraph, state};
use crate::cli::{output, table, words};
use crate::proto::{Caller, Grant, Identity, Role, identity::Kind};

/// One caller.
pub(super) fn one(caller: &Caller) -> String {
    let identities: Vec<String> = caller.identities.iter().map(identity).collect();
    output::details(&[
        ("name", caller.name.clone()),
        ("grants", grants(caller)),
        ("identities", identities.join("\n")),
        (
            "state",
            paragraph(&disablement(caller.disablement.as_ref())),
        ),
        ("not believed", distrust(caller.distrust.as_ref())),
        ("labels", words::pairs(&caller.labels)),
        ("created", words::time(caller.create_time.as_ref())),
        ("updated", words::time(caller.update_time.as_ref())),
        ("uid", caller.uid.clone()),
        ("etag", caller.etag.clone()),
    ])
}

/// Several callers.
pub(super) fn list(callers: &[Caller]) -> String {
    let rows = callers.iter().map(|caller| {
        vec![
            caller.name.clone(),
            grants(caller),
            state(caller.distrust.as_ref(), caller.disablement.as_ref()),
            words::pairs(&caller.labels),
        ]
    });
    table::list(&["NAME", "GRANTS", "STATE", "LABELS"], rows, "no callers")
}

fn grants(caller: &Caller) -> String {
    if caller.grants.is_empty() {
        return "none".into();
    }
    let grants: Vec<String> = caller.grants.iter().map(grant).collect();
    grants.join(", ")
}

fn grant(grant: &Grant) -> String {
    let role = role(grant);
    if grant.role() == Role::Lessee {
        format!("{role} of {}", grant.pool_pattern)
    } else {
        role
    }
}

/// The role of a grant, as its flag has it.
pub(super) fn role(grant: &Grant) -> String {
    words::enum_value(grant.role().as_str_name(), "ROLE")
}

fn identity(identity: &Identity) -> String {
    match &identity.kind {
        Some(Kind::MtlsSan(name)) => format!("client certificate {name}"),
        Some(Kind::KubernetesServiceAccount(name)) => format!("Kubernetes service account {name}"),
        Some(Kind::JwtSubject(subject)) => format!("JSON Web Token of {subject}"),
        None => String::new(),
    }
}
