-- Alerts and their deliveries: an outbox that every replica writes to and sends from, so that a condition is told once by the fleet.

create table alerts (
    uid uuid primary key,
    -- What it is about, and the resource by name: of one condition one alert is open at a time.
    kind text not null,
    resource text not null,
    severity text not null,
    -- In words, as the condition was last seen. Never any part of a secret.
    summary text not null,
    remedy text not null,
    -- When the condition ends by itself, as far as is known.
    until timestamptz,
    open_time timestamptz not null default clock_timestamp(),
    -- Some replica has seen that it holds. Once none has for a while, it is over.
    seen_time timestamptz not null default clock_timestamp(),
    -- When it was last told of: it is told of again while it holds.
    told_time timestamptz not null default clock_timestamp(),
    resolve_time timestamptz,
    constraint alerts_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00'),
    constraint alerts_open_time_readable check (isfinite(open_time) and open_time < '10000-01-01 00:00:00+00'),
    constraint alerts_seen_time_readable check (isfinite(seen_time) and seen_time < '10000-01-01 00:00:00+00'),
    constraint alerts_told_time_readable check (isfinite(told_time) and told_time < '10000-01-01 00:00:00+00'),
    constraint alerts_resolve_time_readable check (isfinite(resolve_time) and resolve_time < '10000-01-01 00:00:00+00')
);
create unique index alerts_open on alerts (kind, resource) where resolve_time is null;
create index alerts_age on alerts (resolve_time) where resolve_time is not null;
create index alerts_order on alerts (open_time, uid);

create table alert_deliveries (
    -- Sent with it, so that its receiver knows one that comes again.
    uid uuid primary key default gen_random_uuid(),
    -- In the order in which they are to arrive.
    number bigint generated always as identity,
    alert_uid uuid not null references alerts (uid) on delete cascade,
    sink text not null,
    event text not null,
    create_time timestamptz not null default clock_timestamp(),
    -- Tries begun.
    attempts integer not null default 0,
    -- When it is tried next. Whoever takes it puts this off for longer than a try takes: should it never come back, another takes over.
    next_attempt_time timestamptz not null default clock_timestamp(),
    -- It has arrived, or was given up.
    end_time timestamptz,
    delivered boolean not null default false,
    -- What the last try came to, in a few words: never a URL.
    detail text not null default '',
    constraint alert_deliveries_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    constraint alert_deliveries_next_attempt_time_readable check (isfinite(next_attempt_time) and next_attempt_time < '10000-01-01 00:00:00+00'),
    constraint alert_deliveries_end_time_readable check (isfinite(end_time) and end_time < '10000-01-01 00:00:00+00')
);
create index alert_deliveries_due on alert_deliveries (sink, next_attempt_time) where end_time is null;
create index alert_deliveries_alert on alert_deliveries (alert_uid, number);
