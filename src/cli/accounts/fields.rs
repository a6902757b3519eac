//! The fields of an account as flags.

use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::flags;
use crate::proto::{
    Account, CredentialPlacement, LearnedLimitsPolicy, RotationPolicy, credential_placement::Place,
};

/// What can be set; a flag that is not given leaves its field alone.
#[derive(Debug, Default, Args)]
pub(crate) struct AccountFlags {
    /// Where requests go [default: the profile's own]; every secret of the account is sealed for its host
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A host (with :port where it is not the scheme's own) that secrets may be sent to; may be repeated, at most 16 [default: the
    /// host of the base URL]
    #[arg(long = "allowed-host", value_name = "HOST")]
    allowed_hosts: Vec<String>,
    /// Allow an http:// base URL, and with it keys in clear on the wire
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    allow_http: Option<bool>,
    /// Profile generic: the header that carries the key, such as x-api-key
    #[arg(long, value_name = "HEADER", conflicts_with = "credential_query")]
    credential_header: Option<String>,
    /// Profile generic: the query parameter that carries the key; a last resort, since URLs end up in logs
    #[arg(long, value_name = "PARAMETER")]
    credential_query: Option<String>,
    /// Profile generic: put before the key, such as "Bearer "
    #[arg(long, value_name = "TEXT")]
    credential_prefix: Option<String>,
    /// How often its keys have to be replaced: 1h to 3653days [default: inherited from the pools, then 168h]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    rotation_interval: Option<prost_types::Duration>,
    /// What becomes of limits that the provider states: adopt lowers configured ones to them by itself [default: alert]
    #[arg(long, value_name = "POLICY")]
    learned_limits: Option<LearnedLimits>,
    /// A label; may be repeated, at most 16
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = flags::pair)]
    labels: Vec<(String, String)>,
}

/// What becomes of limits that the provider states.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LearnedLimits {
    /// Show where they differ
    Alert,
    /// Lower configured limits to them, and never raise one
    Adopt,
}

/// Fields that can be unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountField {
    /// Back to the profile's own
    BaseUrl,
    /// Back to the host of the base URL
    AllowedHosts,
    /// No http
    AllowHttp,
    /// Back to the profile's own
    CredentialPlacement,
    /// Inherit it
    RotationPolicy,
    /// Back to alert
    LearnedLimits,
    /// No labels
    Labels,
}

impl AccountField {
    fn path(self) -> &'static str {
        match self {
            Self::BaseUrl => "base_url",
            Self::AllowedHosts => "allowed_hosts",
            Self::AllowHttp => "allow_http",
            Self::CredentialPlacement => "credential_placement",
            Self::RotationPolicy => "rotation_policy",
            Self::LearnedLimits => "learned_limits",
            Self::Labels => "labels",
        }
    }

    /// Unsets the field.
    pub(super) fn clear(self, account: &mut Account) {
        match self {
            Self::BaseUrl => account.base_url.clear(),
            Self::AllowedHosts => account.allowed_hosts.clear(),
            Self::AllowHttp => account.allow_http = false,
            Self::CredentialPlacement => account.credential_placement = None,
            Self::RotationPolicy => account.rotation_policy = None,
            Self::LearnedLimits => account.learned_limits = 0,
            Self::Labels => account.labels.clear(),
        }
    }
}

impl AccountFlags {
    /// The fields that change, by their paths.
    pub(super) fn mask(
        &self,
        cleared: &[AccountField],
    ) -> Result<Option<prost_types::FieldMask>, Failure> {
        let mut fields = cleared.to_vec();
        let mut given = |is_given: bool, field| {
            if is_given {
                fields.push(field);
            }
        };
        given(self.base_url.is_some(), AccountField::BaseUrl);
        given(!self.allowed_hosts.is_empty(), AccountField::AllowedHosts);
        given(self.allow_http.is_some(), AccountField::AllowHttp);
        given(self.places(), AccountField::CredentialPlacement);
        given(
            self.rotation_interval.is_some(),
            AccountField::RotationPolicy,
        );
        given(self.learned_limits.is_some(), AccountField::LearnedLimits);
        given(!self.labels.is_empty(), AccountField::Labels);
        flags::mask(fields.into_iter().map(AccountField::path).collect())
    }

    /// Writes what was given into an account.
    pub(super) fn apply(self, account: &mut Account) {
        if self.places() {
            self.place(account.credential_placement.get_or_insert_default());
        }
        if let Some(base_url) = self.base_url {
            account.base_url = base_url;
        }
        if !self.allowed_hosts.is_empty() {
            account.allowed_hosts = self.allowed_hosts;
        }
        account.allow_http = self.allow_http.unwrap_or(account.allow_http);
        if let Some(interval) = self.rotation_interval {
            account.rotation_policy = Some(RotationPolicy {
                interval: Some(interval),
            });
        }
        match self.learned_limits {
            Some(LearnedLimits::Alert) => account.set_learned_limits(LearnedLimitsPolicy::Alert),
            Some(LearnedLimits::Adopt) => account.set_learned_limits(LearnedLimitsPolicy::Adopt),
            None => {}
        }
        flags::extend(&mut account.labels, &self.labels);
    }

    fn places(&self) -> bool {
        self.credential_header.is_some()
            || self.credential_query.is_some()
            || self.credential_prefix.is_some()
    }

    fn place(&self, placement: &mut CredentialPlacement) {
        let header = self.credential_header.clone().map(Place::Header);
        let query = self.credential_query.clone().map(Place::Query);
        if let Some(place) = header.or(query) {
            placement.place = Some(place);
        }
        if let Some(prefix) = &self.credential_prefix {
            placement.prefix.clone_from(prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_changes_and_is_in_the_mask() {
        let flags = AccountFlags {
            base_url: Some("https://b".into()),
            labels: vec![("b".into(), "2".into())],
            ..AccountFlags::default()
        };
        let mask = flags.mask(&[AccountField::RotationPolicy]).unwrap();
        assert_eq!(
            mask.unwrap().paths,
            ["base_url", "labels", "rotation_policy"]
        );
        let mut account = Account {
            base_url: "https://a".into(),
            allow_http: true,
            labels: [("a".to_owned(), "1".to_owned())].into(),
            ..Account::default()
        };
        flags.apply(&mut account);
        assert_eq!(account.base_url, "https://b");
        assert!(account.allow_http, "not given, so left alone");
        assert_eq!(account.labels.len(), 2);
    }

    #[test]
    fn a_prefix_alone_keeps_the_place() {
        let mut account = Account {
            credential_placement: Some(CredentialPlacement {
                place: Some(Place::Header("x-api-key".into())),
                prefix: String::new(),
            }),
            ..Account::default()
        };
        let flags = AccountFlags {
            credential_prefix: Some("Key ".into()),
            ..AccountFlags::default()
        };
        flags.apply(&mut account);
        let placement = account.credential_placement.unwrap();
        assert_eq!(placement.prefix, "Key ");
        assert_eq!(placement.place, Some(Place::Header("x-api-key".into())));
    }
}
