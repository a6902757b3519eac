-- How far back the lower clock of a limit looks: over the charge time of every block that may still be charged, which is longer than that of
-- today's configuration for a while after D, L or the window was shortened. A row from before starts with today's, which charge_micros
-- says as it was when the limit was last touched.
alter table limit_ledgers
    add column reach_micros bigint not null default 0 check (reach_micros >= 0),
    add column charge_micros bigint not null default 0 check (charge_micros >= 0),
    add column reach_until timestamptz not null default '1970-01-01 00:00:00+00',
    add constraint limit_ledgers_reach_until_readable check (isfinite(reach_until) and reach_until < '10000-01-01 00:00:00+00');
