//! A caller as the wire brings it, parsed.

use super::faults::Faults;
use crate::domain::caller::{GRANTS_MAX, Grant};
use crate::domain::caller_draft::CallerDraft;
use crate::domain::field::FieldError;
use crate::domain::labels::Labels;
use crate::proto as v1;
use crate::proto::unbuilt::IDENTITIES;

/// The fields that UpdateCaller can change.
pub(super) const MUTABLE: [&str; 3] = ["labels", "grants", "identities"];

/// The fields of `caller` for which `wanted` says yes.
pub(super) fn draft(
    faults: &mut Faults,
    caller: v1::Caller,
    wanted: impl Fn(&str) -> bool,
) -> CallerDraft {
    let mut draft = CallerDraft::default();
    if wanted("labels") {
        draft.labels = faults.take(Labels::parse("caller.labels", caller.labels));
    }
    if wanted("grants") {
        draft.grants = Some(grants(faults, &caller.grants));
    }
    if wanted("identities") && !caller.identities.is_empty() {
        let count = format!("of {} entries", caller.identities.len());
        faults.not_built(IDENTITIES, &count);
    }
    draft
}

fn grants(faults: &mut Faults, grants: &[v1::Grant]) -> Vec<Grant> {
    if grants.len() > GRANTS_MAX {
        let message = format!(
            "has {} grants, at most {GRANTS_MAX} are allowed; cover pools by wider patterns",
            grants.len()
        );
        faults.add(FieldError::new("caller.grants", message));
        return Vec::new();
    }
    let mut parsed = Vec::new();
    for (i, grant) in grants.iter().enumerate() {
        let field = format!("caller.grants[{i}]");
        let role = role(grant.role);
        let Some(grant) = faults.take(Grant::parse(&field, role, &grant.pool_pattern)) else {
            continue;
        };
        if parsed.contains(&grant) {
            faults.add(FieldError::new(field, "stands there twice, remove one"));
        } else {
            parsed.push(grant);
        }
    }
    parsed
}

/// The role as stored; empty for what is none.
fn role(value: i32) -> &'static str {
    match v1::Role::try_from(value) {
        Ok(v1::Role::Admin) => "admin",
        Ok(v1::Role::Operator) => "operator",
        Ok(v1::Role::Auditor) => "auditor",
        Ok(v1::Role::Lessee) => "lessee",
        Ok(v1::Role::Unspecified) | Err(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Refusal;

    fn parse(caller: v1::Caller, wanted: impl Fn(&str) -> bool) -> Result<CallerDraft, Refusal> {
        let mut faults = Faults::default();
        let draft = draft(&mut faults, caller, wanted);
        faults.finish(Some(draft))
    }

    fn grant(role: v1::Role, pool_pattern: &str) -> v1::Grant {
        v1::Grant {
            role: role.into(),
            pool_pattern: pool_pattern.to_owned(),
        }
    }

    fn caller(grants: Vec<v1::Grant>) -> v1::Caller {
        v1::Caller {
            grants,
            ..v1::Caller::default()
        }
    }

    fn fields(grants: Vec<v1::Grant>) -> Vec<String> {
        match parse(caller(grants), |_| true) {
            Err(Refusal::Fields(faults)) => faults.into_iter().map(|f| f.field).collect(),
            Err(_) | Ok(_) => vec![],
        }
    }

    #[test]
    fn all_roles_are_understood() {
        let draft = parse(
            caller(vec![
                grant(v1::Role::Admin, ""),
                grant(v1::Role::Operator, ""),
                grant(v1::Role::Auditor, ""),
                grant(v1::Role::Lessee, "a*"),
                grant(v1::Role::Lessee, "b"),
            ]),
            |_| true,
        )
        .unwrap();
        let roles: Vec<_> = draft.grants.unwrap().iter().map(Grant::role).collect();
        assert_eq!(roles, ["admin", "operator", "auditor", "lessee", "lessee"]);
    }

    #[test]
    fn every_wrong_grant_is_named_at_once() {
        let mut unknown = grant(v1::Role::Admin, "");
        unknown.role = 77;
        let grants = vec![
            grant(v1::Role::Unspecified, ""),
            unknown,
            grant(v1::Role::Admin, "*"),
            grant(v1::Role::Lessee, ""),
            grant(v1::Role::Lessee, "[a-"),
            grant(v1::Role::Lessee, "a"),
            grant(v1::Role::Lessee, "a"),
        ];
        assert_eq!(
            fields(grants),
            [
                "caller.grants[0].role",
                "caller.grants[1].role",
                "caller.grants[2].pool_pattern",
                "caller.grants[3].pool_pattern",
                "caller.grants[4].pool_pattern",
                "caller.grants[6]",
            ]
        );
    }

    #[test]
    fn a_huge_list_of_grants_is_one_fault() {
        let grants = vec![grant(v1::Role::Admin, ""); 100_000];
        assert_eq!(fields(grants), ["caller.grants"]);
    }

    #[test]
    fn identities_are_not_built_yet_and_only_matter_when_wanted() {
        let caller = v1::Caller {
            identities: vec![v1::Identity::default()],
            ..v1::Caller::default()
        };
        let refusal = parse(caller.clone(), |_| true).unwrap_err().to_string();
        assert!(
            refusal.starts_with("caller.identities of 1 entries is not built yet: leave it empty"),
            "{refusal}"
        );
        assert!(parse(caller, |field| field == "labels").is_ok());
    }
}
