//! Why a key would or would not be chosen, in sentences.

use super::hindrance_messages::{self, time};
use super::refusal_messages::rounded;
use crate::domain::distrust::Distrust;
use crate::domain::explanation::{Choice, KeyExplanation, Objection, What};
use crate::domain::pool::Strategy;
use crate::domain::recovery::Grown;
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::Timestamp;

/// What keeps a key from being leased.
pub(super) fn sentence(objection: &Objection, now: Timestamp) -> String {
    let what = match &objection.what {
        What::Named(hindrance) => hindrance_messages::sentence(hindrance, now),
        What::CanaryOut(_) | What::SealedElsewhere { .. } | What::MasterKeyMissing(_) => {
            why(&objection.what)
        }
        What::Plain => return of_kind(objection.refusal, objection.until, now),
    };
    format!("{}: {what}", word(objection.refusal))
}

/// Why, beside the kind: the words of a rule or a person. Empty where the kind says it all.
pub(super) fn why(what: &What) -> String {
    match what {
        What::Named(hindrance) => hindrance_messages::cause(hindrance).1,
        What::CanaryOut(cause) => format!(
            "its time as a dead one was over at {}, and the canary lease that decides is out: {}",
            time(cause.until),
            cause.why
        ),
        What::SealedElsewhere { hosts, base_url } => format!(
            "its secret is sealed for {}, and the base url of its account is {base_url}",
            hosts.join(", ")
        ),
        What::MasterKeyMissing(key) => Distrust::master_key_missing(key).why,
        What::Plain => String::new(),
    }
}

/// Why a key that could be leased has its place.
pub(super) fn place(key: &KeyExplanation, choice: Choice, strategy: Strategy) -> String {
    let tier = key.tier;
    let turn = match (choice.is_first, strategy) {
        (true, Strategy::RoundRobin) => format!("its turn in tier {tier}"),
        (true, Strategy::Weighted) => format!(
            "its turn in tier {tier}, by weight {} of {}",
            key.weight, choice.weights
        ),
        (true, Strategy::LeastUsed) => format!(
            "the least used of tier {tier}, with {} uses over the last minute or so",
            key.recent
        ),
        (false, _) => format!("after those before it in tier {tier}, around the circle"),
    };
    let permits = if choice.is_asking {
        "; no permits are held here, and the database is asked, which has them"
    } else {
        ""
    };
    let canary = if choice.is_canary {
        "; as a canary, whose outcome decides whether it is well again"
    } else {
        ""
    };
    let grown = choice.grown_percent.map_or_else(String::new, |percent| {
        format!("; it was dead, and while it grows back it takes {percent} % of its turns where others can serve")
    });
    let provider = choice.provider_grown.map_or_else(String::new, provider);
    let chosen = if choice.rank == 1 { "chosen: " } else { "" };
    format!("{chosen}{turn}{permits}{canary}{grown}{provider}")
}

fn provider(grown: Grown) -> String {
    format!(
        "; its provider failed for everybody, and while it grows back, until {}, it takes {} % of leases: the others are refused with PROVIDER for a second",
        time(grown.until),
        grown.percent
    )
}

const fn word(refusal: KeyRefusal) -> &'static str {
    match refusal {
        KeyRefusal::Limit => "at a limit",
        KeyRefusal::Frozen => "frozen",
        KeyRefusal::Unreachable => "database away",
        KeyRefusal::Cooling => "cooling",
        KeyRefusal::Provider => "provider fails",
        KeyRefusal::Dead => "dead",
        KeyRefusal::Tampered => "not believed",
        KeyRefusal::LimitUnread => "limit unread",
        KeyRefusal::Undecryptable => "undecryptable",
        KeyRefusal::Avoided => "avoided",
        KeyRefusal::Disabled => "disabled",
        KeyRefusal::NoVersion => "no secret",
        KeyRefusal::Model => "model not served",
        KeyRefusal::TooLarge => "larger than a limit",
        KeyRefusal::ModelRequired => "model required",
        KeyRefusal::CostRequired => "cost required",
    }
}

fn of_kind(refusal: KeyRefusal, until: Option<Timestamp>, now: Timestamp) -> String {
    let kind = match refusal {
        KeyRefusal::Tampered => {
            "its row, its account's or its membership was changed in the database outside of keylease"
        }
        KeyRefusal::LimitUnread => {
            "its account has a limit that this replica cannot read, of a newer release or edited by hand"
        }
        KeyRefusal::Undecryptable => {
            "its secret is gone or does not open; `keylease keys get ACCOUNT/KEY` says why"
        }
        KeyRefusal::NoVersion => "it has no current version",
        KeyRefusal::Model => "its patterns do not allow the model",
        KeyRefusal::Avoided => "the call avoids it",
        KeyRefusal::Limit
        | KeyRefusal::Frozen
        | KeyRefusal::Unreachable
        | KeyRefusal::Cooling
        | KeyRefusal::Provider
        | KeyRefusal::Dead
        | KeyRefusal::Disabled
        | KeyRefusal::TooLarge
        | KeyRefusal::ModelRequired
        | KeyRefusal::CostRequired => "for now",
    };
    let word = word(refusal);
    match until.map(|until| rounded(until.since(now))) {
        Some(after) => format!("{word}: {kind}, for {after}"),
        None => format!("{word}: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::explanation::KeyVerdict;
    use crate::domain::health::{Cause, FailureClass};
    use crate::domain::hindrance::Hindrance;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn objection(refusal: KeyRefusal, what: What) -> Objection {
        Objection {
            refusal,
            until: None,
            what,
        }
    }

    fn cause() -> Cause {
        Cause {
            until: Timestamp::from_micros(2_000_000_000),
            why: "credential (http 401)".to_owned(),
            class: FailureClass::Credential,
            accuser: None,
            tried: None,
            strikes: 0,
        }
    }

    #[test]
    fn what_keeps_a_key_from_serving_is_named_with_its_cause_and_its_end() {
        let named = What::Named(Hindrance::Ailing {
            refusal: KeyRefusal::Dead,
            resource: "accounts/a/keys/k".to_owned(),
            cause: cause(),
        });
        let text = "dead: accounts/a/keys/k until 1970-01-01T00:33:20Z: credential (http 401)";
        assert_eq!(sentence(&objection(KeyRefusal::Dead, named), NOW), text);
        let out = sentence(&objection(KeyRefusal::Dead, What::CanaryOut(cause())), NOW);
        assert!(
            out.contains("the canary lease that decides is out"),
            "{out}"
        );
        let sealed = What::SealedElsewhere {
            hosts: vec!["api.openai.com".to_owned()],
            base_url: "https://evil.example".to_owned(),
        };
        let sealed = sentence(&objection(KeyRefusal::Undecryptable, sealed), NOW);
        assert!(
            sealed.starts_with("undecryptable: its secret is sealed for api.openai.com"),
            "{sealed}"
        );
        let missing = What::MasterKeyMissing("mk_0011223344556677".to_owned());
        let missing = sentence(&objection(KeyRefusal::Undecryptable, missing), NOW);
        let text = "undecryptable: this replica lacks master key mk_0011223344556677; add it to its file and restart";
        assert!(missing.starts_with(text), "{missing}");
        let plain = sentence(&objection(KeyRefusal::NoVersion, What::Plain), NOW);
        assert_eq!(plain, "no secret: it has no current version");
    }

    #[test]
    fn a_place_says_by_what_it_was_come_to() {
        let choice = Choice {
            rank: 1,
            is_first: true,
            weights: 6,
            is_canary: false,
            is_asking: false,
            grown_percent: None,
            provider_grown: None,
        };
        let key = KeyExplanation {
            key: None,
            account: None,
            tier: 2,
            weight: 3,
            version: Some(1),
            recent: 7,
            verdict: KeyVerdict::Eligible(choice),
        };
        let said = |choice, strategy| place(&key, choice, strategy);
        assert_eq!(
            said(choice, Strategy::RoundRobin),
            "chosen: its turn in tier 2"
        );
        let weighted = "chosen: its turn in tier 2, by weight 3 of 6";
        assert_eq!(said(choice, Strategy::Weighted), weighted);
        assert!(said(choice, Strategy::LeastUsed).contains("with 7 uses"));
        let second = Choice {
            rank: 2,
            is_first: false,
            is_canary: true,
            is_asking: true,
            grown_percent: Some(6),
            provider_grown: Some(Grown {
                percent: 40,
                until: Timestamp::from_micros(2_000_000_000),
            }),
            ..choice
        };
        let said = said(second, Strategy::RoundRobin);
        assert!(
            said.starts_with("after those before it in tier 2"),
            "{said}"
        );
        assert!(
            said.contains("the database is asked") && said.contains("as a canary"),
            "{said}"
        );
        assert!(said.contains("it takes 6 % of its turns"), "{said}");
        let provider = "grows back, until 1970-01-01T00:33:20Z, it takes 40 % of leases";
        assert!(said.contains(provider), "{said}");
    }
}
