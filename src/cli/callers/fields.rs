//! The fields of a caller as flags.

use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::flags;
use crate::proto::{Caller, Grant, Identity, Role, identity::Kind};

/// What can be set; a flag that is not given leaves its field alone.
#[derive(Debug, Default, Args)]
pub(crate) struct CallerFlags {
    /// Grant leases of the pools whose id matches, such as 'openai-*' or '*'; may be repeated
    #[arg(long = "lessee", value_name = "POOL PATTERN")]
    lessees: Vec<String>,
    /// Grant a role over the vault; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<AdminRole>,
    /// Authenticate by this URI or DNS name of a client certificate
    #[arg(long, value_name = "SAN")]
    mtls_san: Vec<String>,
    /// Authenticate by this Kubernetes service account
    #[arg(long, value_name = "NAMESPACE/NAME")]
    kubernetes_service_account: Vec<String>,
    /// Authenticate by this subject of a JSON Web Token
    #[arg(long, value_name = "ISSUER#SUBJECT")]
    jwt_subject: Vec<String>,
    /// A label; may be repeated, at most 16
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = flags::pair)]
    labels: Vec<(String, String)>,
}

/// A role that covers the vault as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdminRole {
    /// Everything
    Admin,
    /// Health, disable and enable, rotate; never sees or redirects secrets
    Operator,
    /// Reads everything but secrets
    Auditor,
}

impl AdminRole {
    /// The grant of this role.
    pub(super) fn grant(self) -> Grant {
        let role = match self {
            Self::Admin => Role::Admin,
            Self::Operator => Role::Operator,
            Self::Auditor => Role::Auditor,
        };
        Grant {
            role: role as i32,
            pool_pattern: String::new(),
        }
    }
}

/// The grant of leases of matching pools.
pub(super) fn lessee(pattern: &str) -> Grant {
    Grant {
        role: Role::Lessee as i32,
        pool_pattern: pattern.strip_prefix("pools/").unwrap_or(pattern).to_owned(),
    }
}

/// Fields that can be unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallerField {
    /// No grants
    Grants,
    /// No identities
    Identities,
    /// No labels
    Labels,
}

impl CallerField {
    fn path(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::Identities => "identities",
            Self::Labels => "labels",
        }
    }

    /// Unsets the field.
    pub(super) fn clear(self, caller: &mut Caller) {
        match self {
            Self::Grants => caller.grants.clear(),
            Self::Identities => caller.identities.clear(),
            Self::Labels => caller.labels.clear(),
        }
    }
}

impl CallerFlags {
    /// The fields that change, by their paths; `removed` says whether grants are removed.
    pub(super) fn mask(
        &self,
        cleared: &[CallerField],
        removed: bool,
    ) -> Result<Option<prost_types::FieldMask>, Failure> {
        let mut fields = cleared.to_vec();
        if removed || !self.lessees.is_empty() || !self.roles.is_empty() {
            fields.push(CallerField::Grants);
        }
        if self.identities().next().is_some() {
            fields.push(CallerField::Identities);
        }
        if !self.labels.is_empty() {
            fields.push(CallerField::Labels);
        }
        flags::mask(fields.into_iter().map(CallerField::path).collect())
    }

    /// Adds what was given to a caller.
    pub(super) fn apply(&self, caller: &mut Caller) {
        let lessees = self.lessees.iter().map(|pattern| lessee(pattern));
        let roles = self.roles.iter().map(|role| role.grant());
        for grant in roles.chain(lessees) {
            if !caller.grants.contains(&grant) {
                caller.grants.push(grant);
            }
        }
        for identity in self.identities() {
            if !caller.identities.contains(&identity) {
                caller.identities.push(identity);
            }
        }
        flags::extend(&mut caller.labels, &self.labels);
    }

    fn identities(&self) -> impl Iterator<Item = Identity> + '_ {
        let mtls = self.mtls_san.iter().cloned().map(Kind::MtlsSan);
        let accounts = self.kubernetes_service_account.iter().cloned();
        let tokens = self.jwt_subject.iter().cloned().map(Kind::JwtSubject);
        mtls.chain(accounts.map(Kind::KubernetesServiceAccount))
            .chain(tokens)
            .map(|kind| Identity { kind: Some(kind) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_added_once() {
        let flags = CallerFlags {
            lessees: vec!["openai-*".into(), "pools/openai-*".into()],
            roles: vec![AdminRole::Operator],
            ..CallerFlags::default()
        };
        let mut caller = Caller {
            grants: vec![AdminRole::Operator.grant()],
            ..Caller::default()
        };
        flags.apply(&mut caller);
        assert_eq!(
            caller.grants,
            [AdminRole::Operator.grant(), lessee("openai-*")]
        );
        assert_eq!(flags.mask(&[], false).unwrap().unwrap().paths, ["grants"]);
    }
}
