//! Alerts: every replica looks now and then at what it knows, opens what holds and is not open, and ends what nobody has seen for a while.
//! The database makes one of what several replicas see.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Result, Vault};
use crate::domain::alerts::conditions::conditions;
use crate::domain::alerts::delivery::{AGE_MAX, SinkKind};
use crate::domain::alerts::{Condition, ConditionName, Found, Kind};
use crate::live::clock::boot_now;
use crate::store;
use crate::store::connection::acquire;
use crate::store::{alert_deliveries, alerts};

mod deliver;
mod differing;
mod rotating;
mod sink;
mod spent;
mod steps;
mod view;

pub use deliver::TestDelivery;
use differing::Differing;
pub use sink::{Alerting, HiddenUrl, Sink};
pub use steps::Watched;

/// How long alerts that are over are kept, and deliveries of those that are not.
const KEPT: Duration = Duration::from_hours(24 * 30);

/// Alerts, counted over the fleet.
#[derive(Debug)]
pub struct AlertCounts {
    /// How many are open, by kind; kinds that none is open of are there with zero.
    pub open: Vec<(String, u64)>,
    /// How long the oldest message to each sink waits.
    pub waiting: Vec<(String, Duration)>,
}

impl Vault {
    /// One look. Does nothing where this replica's own knowledge is old: it would tell of what is no more.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn watch_alerts(&self, alerting: &Alerting, known: &Watched) -> Result<()> {
        if !self.live.is_fresh(boot_now()) {
            return Ok(());
        }
        let (snapshot, clocks) = (self.live.snapshot(), self.live.now());
        let now = clocks.database;
        let incidents = self.live.incidents(now);
        let spent = self.spent_accounts(&snapshot).await?;
        // There may be a hundred thousand keys: no call waits behind them.
        let view =
            tokio::task::spawn_blocking(move || view::of(&snapshot, incidents, &spent, clocks))
                .await;
        let mut view = view.map_err(|_| store::Error::unanswered())?;
        view.is_journal_behind = self.live.journal.is_behind(self.live.now().boot);
        view.limits = self.known_differing(&known.differing).await?;
        self.view_rotations(&mut view, now).await?;
        let mut conn = acquire(&self.pool).await?;
        let conn = &mut *conn;
        let open = open_names(alerts::open(conn).await?);
        let found = conditions(&view, &open, now);
        let sinks = alerting.kinds();
        let news = of(&found, |found| found.opens && !open.contains(name(found)));
        if !news.is_empty() {
            alerts::insert(conn, &news, &sinks).await?;
        }
        let seen = of(&found, |found| open.contains(name(found)));
        if !seen.is_empty() {
            alerts::see(conn, &seen, alerting.resolve_after / 3).await?;
        }
        let telling = of(&found, |found| found.opens && open.contains(name(found)));
        if !telling.is_empty() {
            alerts::tell_again(conn, &telling, alerting.resend_every, &sinks).await?;
        }
        let (after, now) = (alerting.resolve_after, self.live.now());
        if known.may_resolve(now, after) {
            alerts::resolve(conn, after, now.database, &sinks).await?;
        }
        Ok(())
    }

    /// Gives up what is too old to matter, and forgets what is old.
    ///
    /// # Errors
    /// As every query.
    pub async fn forget_alerts(&self) -> store::Result<()> {
        let mut conn = acquire(&self.pool).await?;
        // Whoever tries it gives it up at that age; this is for sinks that nobody has any more.
        alert_deliveries::give_up(&mut conn, AGE_MAX + KEPT / 30).await?;
        alert_deliveries::forget(&mut conn, KEPT).await?;
        alerts::forget(&mut conn, KEPT).await
    }

    /// Counts alerts, for gauges.
    ///
    /// # Errors
    /// As every query.
    pub async fn count_alerts(&self, alerting: &Alerting) -> store::Result<AlertCounts> {
        let mut conn = acquire(&self.pool).await?;
        let counted = alerts::count_open(&mut conn).await?;
        let oldest = alert_deliveries::oldest(&mut conn).await?;
        let waiting = |sink: SinkKind| {
            let known = oldest.iter().find(|(name, _)| name == sink.as_str());
            let age = known.map_or(Duration::ZERO, |(_, age)| *age);
            (sink.as_str().to_owned(), age)
        };
        let open = |(_, name): &(Kind, &str)| {
            let known = counted.iter().find(|(kind, _)| kind == name);
            ((*name).to_owned(), known.map_or(0, |(_, count)| *count))
        };
        Ok(AlertCounts {
            open: Kind::ALL.iter().map(open).collect(),
            waiting: alerting.kinds().into_iter().map(waiting).collect(),
        })
    }

    /// Sends a test message to every sink of this replica.
    pub async fn send_test_alert(&self, alerting: &Arc<Alerting>, by: &str) -> Vec<TestDelivery> {
        let now = self.live.now().database;
        deliver::test(alerting, by, now).await
    }
}

/// Those whose kind this release knows.
fn open_names(rows: Vec<alerts::OpenName>) -> HashSet<ConditionName> {
    let names = rows.into_iter().filter_map(|row| {
        Some(ConditionName {
            kind: Kind::from_stored(&row.kind)?,
            resource: row.resource,
        })
    });
    names.collect()
}

const fn name(found: &Found) -> &ConditionName {
    &found.condition.name
}

fn of(found: &[Found], wanted: impl Fn(&Found) -> bool) -> Vec<&Condition> {
    let wanted = found.iter().filter(|found| wanted(found));
    wanted.map(|found| &found.condition).collect()
}
