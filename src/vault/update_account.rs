//! `UpdateAccount`.

use std::time::Duration;

use super::account_view::{AccountView, view};
use super::guard::check_etag;
use super::{Done, Result, Verb, Work, get_account, sealing};
use crate::domain::account::{Account, LearnedLimits};
use crate::domain::changes::{Changes, labels, or_unset, time};
use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint::upstreams::Upstreams;
use crate::domain::labels::Labels;
use crate::domain::name::AccountName;
use crate::domain::profile::Placement;
use crate::store::{accounts, key_versions};

/// Changes of an account; what is none stays.
#[derive(Debug, Clone)]
pub struct UpdateAccount {
    /// Which.
    pub name: AccountName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// Free labels.
    pub labels: Option<Labels>,
    /// Where requests go; empty for the profile's own.
    pub base_url: Option<String>,
    /// Where secrets may be sent; empty for the host of the base URL.
    pub allowed_hosts: Option<Vec<String>>,
    /// Allows plain http.
    pub allow_http: Option<bool>,
    /// Where a generic provider expects the key.
    pub placement: Option<Option<Placement>>,
    /// Its own rotation interval.
    pub rotation_interval: Option<Option<Duration>>,
    /// What becomes of limits that the provider states.
    pub learned_limits: Option<LearnedLimits>,
    /// Which upstreams are allowed here.
    pub upstreams: Upstreams,
}

impl Verb for UpdateAccount {
    type Answer = AccountView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<AccountView>> {
        let name = self.name.clone();
        let mut account = get_account::to_change(work, &name).await?;
        check_etag(&self.etag, &account.meta, &name)?;
        let before = account.clone();
        self.merge_into(&mut account)?;
        account.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&account);
        accounts::update(work.conn, &account, &mac).await?;
        let mut summary = changes(&before, &account).summary();
        if before.endpoint.allowed_hosts != account.endpoint.allowed_hosts {
            let versions = key_versions::sealed_of(work.conn, account.meta.uid).await?;
            let versions = sealing::seal_anew(work, versions, &account).await?;
            summary.push_str(&format!("; versions sealed anew for them: {versions}"));
        }
        Ok(Done {
            resource: name.to_string(),
            summary,
            answer: view(work.conn, account, work.now).await?,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<AccountView> {
        get_account::reread(work, &self.name).await
    }
}

impl UpdateAccount {
    fn merge_into(self, account: &mut Account) -> Result<()> {
        let changes_endpoint =
            self.base_url.is_some() || self.allowed_hosts.is_some() || self.allow_http.is_some();
        if changes_endpoint {
            let old = &account.endpoint;
            let base_url = self.base_url.unwrap_or_else(|| old.base_url.clone());
            let hosts = self
                .allowed_hosts
                .unwrap_or_else(|| old.allowed_hosts.clone());
            let allow_http = self.allow_http.unwrap_or(old.allow_http);
            account.endpoint = Endpoint::of_profile(account.profile, &base_url, hosts, allow_http)
                .and_then(|endpoint| self.upstreams.admit(endpoint))
                .map_err(|error| error.within("account"))?;
        }
        if let Some(labels) = self.labels {
            account.meta.labels = labels;
        }
        if let Some(interval) = self.rotation_interval {
            account.rotation_interval = interval;
        }
        account.learned_limits = self.learned_limits.unwrap_or(account.learned_limits);
        if let Some(placement) = self.placement {
            Placement::check(account.profile, placement.as_ref())
                .map_err(|error| error.within("account"))?;
            account.placement = placement;
        }
        Ok(())
    }
}

/// What changed. A field that is new has to be named here.
fn changes(before: &Account, now: &Account) -> Changes {
    let Account {
        meta,
        id: _,
        profile: _,
        endpoint:
            Endpoint {
                base_url,
                allowed_hosts,
                allow_http,
            },
        placement,
        rotation_interval,
        learned_limits,
        disablement: _,
    } = before;
    let place = &now.endpoint;
    let mut changes = Changes::default();
    changes.field("labels", (&meta.labels, &now.meta.labels), labels);
    changes.field("base_url", (base_url, &place.base_url), String::clone);
    changes.field(
        "allow_http",
        (allow_http, &place.allow_http),
        bool::to_string,
    );
    let placements = (placement, &now.placement);
    changes.field("credential_placement", placements, |own| {
        or_unset(own.as_ref(), |own| {
            format!("{} {:?} {:?}", own.kind.as_str(), own.name, own.prefix)
        })
    });
    let intervals = (rotation_interval, &now.rotation_interval);
    changes.field("rotation_policy.interval", intervals, time);
    let learned = (learned_limits, &now.learned_limits);
    changes.field("learned_limits", learned, |policy| {
        policy.as_str().to_owned()
    });
    // The last, since what was done for them is said behind it.
    let hosts = (allowed_hosts, &place.allowed_hosts);
    changes.field("allowed_hosts", hosts, |hosts| format!("{hosts:?}"));
    changes
}
