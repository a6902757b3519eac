//! The other yardstick: a vault that asks Postgres for every lease. Two of them, both kinder than a real one, since neither minds crashes,
//! late answers or clocks.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tonic::Status;

/// As many transactions at once as one hot row bears.
const CONNECTIONS_MAX: u32 = 10;
/// Room in the page for new versions of a row, so that no index is touched.
const TABLES: &str = "drop table if exists bench_limits, bench_spent, bench_leases; \
     create table bench_limits (id int primary key, units bigint not null, amount bigint not null, used bigint not null) with (fillfactor = 10); \
     create table bench_spent (limit_id int, second bigint, units bigint not null, primary key (limit_id, second)) with (fillfactor = 10); \
     create table bench_leases (lease bigint generated always as identity primary key, units bigint not null, \
         report_until timestamptz not null); \
     insert into bench_limits values (1, 1, 1000000000000, 0), (2, 1600, 1000000000000000, 0)";
/// Takes from both limits, and keeps the lease, since somebody will report on it.
const COUNT: &str = "with taken as (update bench_limits set used = used + units where used + units <= amount returning units) \
     insert into bench_leases (units, report_until) select max(units), now() + interval '10 minutes' from taken having count(*) = 2";
const LOCK: &str = "select id from bench_limits order by id for update";
/// The same where no stretch of a minute may hold more, to the second.
const SPEND: &str = "with now as (select extract(epoch from clock_timestamp())::bigint as second), \
     spent as (insert into bench_spent as spent (limit_id, second, units) \
         select l.id, now.second, l.units from bench_limits l, now \
         where l.amount >= l.units + (select coalesce(sum(b.units), 0) from bench_spent b where b.limit_id = l.id and b.second >= now.second - 60) \
         on conflict (limit_id, second) do update set units = spent.units + excluded.units returning units) \
     insert into bench_leases (units, report_until) select 1600, now() + interval '10 minutes' from spent having count(*) = 2";

/// How limits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// By a counter that is never reset: one statement, the cheapest there is.
    Counter,
    /// By rolling windows: a transaction that locks, looks and charges, as the vault's own promise needs.
    Window,
}

/// A vault that asks for every lease.
#[derive(Debug, Clone)]
pub(crate) struct Baseline {
    kind: Kind,
    pool: PgPool,
}

impl Baseline {
    /// With tables of its own in this database.
    pub(crate) async fn new(kind: Kind, url: &str) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX);
        let pool = pool.min_connections(CONNECTIONS_MAX).connect(url).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self { kind, pool })
    }

    /// One lease, in one transaction.
    pub(crate) async fn take(&self) -> Result<(), Status> {
        let taken = match self.kind {
            Kind::Counter => sqlx::query(COUNT).execute(&self.pool).await,
            Kind::Window => self.spend().await,
        };
        match taken {
            Ok(done) if done.rows_affected() == 1 => Ok(()),
            Ok(_) => Err(Status::resource_exhausted("a limit is used up")),
            Err(error) => Err(Status::unavailable(error.to_string())),
        }
    }

    /// In statements of their own: what is looked at must be no older than the lock.
    async fn spend(&self) -> sqlx::Result<sqlx::postgres::PgQueryResult> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(LOCK).execute(&mut *transaction).await?;
        let done = sqlx::query(SPEND).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done)
    }
}
