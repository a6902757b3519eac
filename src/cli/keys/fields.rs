//! The fields of a key as flags.

use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::flags;
use crate::proto::{Key, RotationPolicy};

/// What can be set; a flag that is not given leaves its field alone.
#[derive(Debug, Default, Args)]
pub(crate) struct KeyFlags {
    /// Pattern of models the key may serve, such as 'gpt-4*'; may be repeated, at most 64 [default: all]
    #[arg(long, value_name = "PATTERN")]
    model_allow: Vec<String>,
    /// Pattern of models the key must not serve, which wins; may be repeated, at most 64
    #[arg(long, value_name = "PATTERN")]
    model_deny: Vec<String>,
    /// From the model asked for to the name the provider uses; may be repeated, at most 64
    #[arg(long, value_name = "ASKED=USED", value_parser = flags::pair)]
    model_map: Vec<(String, String)>,
    /// How often it has to be replaced: 1h to 3653days [default: inherited from the account, the pools, then 168h]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    rotation_interval: Option<prost_types::Duration>,
    /// A label; may be repeated, at most 16
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = flags::pair)]
    labels: Vec<(String, String)>,
}

/// Fields that can be unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyField {
    /// All models
    ModelAllow,
    /// No model is denied
    ModelDeny,
    /// No mapping
    ModelMap,
    /// Inherit it
    RotationPolicy,
    /// No labels
    Labels,
}

impl KeyField {
    fn path(self) -> &'static str {
        match self {
            Self::ModelAllow => "model_allow",
            Self::ModelDeny => "model_deny",
            Self::ModelMap => "model_map",
            Self::RotationPolicy => "rotation_policy",
            Self::Labels => "labels",
        }
    }

    /// Unsets the field.
    pub(super) fn clear(self, key: &mut Key) {
        match self {
            Self::ModelAllow => key.model_allow.clear(),
            Self::ModelDeny => key.model_deny.clear(),
            Self::ModelMap => key.model_map.clear(),
            Self::RotationPolicy => key.rotation_policy = None,
            Self::Labels => key.labels.clear(),
        }
    }
}

impl KeyFlags {
    /// The fields that change, by their paths.
    pub(super) fn mask(
        &self,
        cleared: &[KeyField],
    ) -> Result<Option<prost_types::FieldMask>, Failure> {
        let mut fields = cleared.to_vec();
        let mut given = |is_given: bool, field| {
            if is_given {
                fields.push(field);
            }
        };
        given(!self.model_allow.is_empty(), KeyField::ModelAllow);
        given(!self.model_deny.is_empty(), KeyField::ModelDeny);
        given(!self.model_map.is_empty(), KeyField::ModelMap);
        given(self.rotation_interval.is_some(), KeyField::RotationPolicy);
        given(!self.labels.is_empty(), KeyField::Labels);
        flags::mask(fields.into_iter().map(KeyField::path).collect())
    }

    /// Writes what was given into a key.
    pub(super) fn apply(self, key: &mut Key) {
        if !self.model_allow.is_empty() {
            key.model_allow = self.model_allow;
        }
        if !self.model_deny.is_empty() {
            key.model_deny = self.model_deny;
        }
        flags::extend(&mut key.model_map, &self.model_map);
        if self.rotation_interval.is_some() {
            key.rotation_policy = Some(RotationPolicy {
                interval: self.rotation_interval,
            });
        }
        flags::extend(&mut key.labels, &self.labels);
    }
}
