//! Members of a pool as one word: `accounts/openai:tier=1,weight=3`.

use crate::cli::failure::Failure;
use crate::cli::names;
use crate::proto::PoolMember;

/// As the contract has them.
const TIER_MAX: i32 = 100;
const WEIGHT_MAX: i32 = 1_000;

/// A member; what is not given is unset for a new member and kept for an old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    target: String,
    tier: Option<i32>,
    weight: Option<i32>,
}

impl Member {
    /// Adds the member, or changes the one with the same target.
    pub(super) fn put(&self, members: &mut Vec<PoolMember>) {
        let found = members.iter().position(|m| m.target == self.target);
        let index = found.unwrap_or_else(|| {
            members.push(PoolMember {
                target: self.target.clone(),
                ..PoolMember::default()
            });
            members.len() - 1
        });
        if let Some(member) = members.get_mut(index) {
            member.tier = self.tier.unwrap_or(member.tier);
            member.weight = self.weight.unwrap_or(member.weight);
        }
    }
}

/// Reads a member.
pub(super) fn member(text: &str) -> Result<Member, String> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let mut member = Member {
        target: target_name(target)?,
        ..Member::default()
    };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        // On the wire, 0 is the same as unset, so that it would silently become 1.
        let number = |value: &str, max: i32| match value.parse() {
            Ok(number) if (1..=max).contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(format!("{option:?}: must be a number from 1 to {max}")),
        };
        match option.split_once('=') {
            Some(("tier", value)) => member.tier = Some(number(value, TIER_MAX)?),
            Some(("weight", value)) => member.weight = Some(number(value, WEIGHT_MAX)?),
            Some(_) | None => {
                return Err(format!(
                    "{option:?}: give tier=1 to 100 or weight=1 to 1000"
                ));
            }
        }
    }
    Ok(member)
}

/// Reads a member's target alone.
pub(super) fn target_name(text: &str) -> Result<String, String> {
    names::member(text).map_err(Failure::message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_with_tier_and_weight() {
        let read = member("accounts/openai:tier=1,weight=3").unwrap();
        assert_eq!(read.target, "accounts/openai");
        assert_eq!((read.tier, read.weight), (Some(1), Some(3)));
        assert_eq!(
            member("openai/main").unwrap().target,
            "accounts/openai/keys/main"
        );
        assert_eq!(member("openai").unwrap().tier, None);
        for wrong in [
            "",
            "openai:tier",
            "openai:tier=x",
            "openai:tier=0",
            "openai:tier=101",
            "openai:weight=0",
            "openai:rank=1",
            "a/b/c",
        ] {
            assert!(member(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_member_given_again_is_changed_and_not_doubled() {
        let mut members = Vec::new();
        member("openai:tier=2,weight=5").unwrap().put(&mut members);
        member("openai:weight=7").unwrap().put(&mut members);
        assert_eq!(members.len(), 1);
        assert_eq!((members[0].tier, members[0].weight), (2, 7));
    }
}
