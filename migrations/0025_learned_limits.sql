-- What providers state of their limits in the headers of their answers, and what of it was adopted.

-- What becomes of a limit that the provider states: 'alert' or 'adopt'. Not under the row's MAC: whoever writes to the database can change
-- the limits themselves.
alter table accounts add column learned_limits text not null default 'alert';

-- Written only when what is stated changes, and once an hour while it is. A few hundred rows per account at most.
create table learned_limits (
    account_uid uuid not null references accounts (uid) on delete cascade,
    dimension text not null,
    -- Empty for all models.
    model text not null,
    window_ms bigint not null check (window_ms > 0),
    amount bigint not null check (amount > 0),
    -- The first few callers whose reports carried it.
    callers uuid[] not null,
    -- From how many leases it was heard: 1, or 2 for more than one.
    leases integer not null,
    first_seen_time timestamptz not null,
    last_seen_time timestamptz not null,
    primary key (account_uid, dimension, model, window_ms),
    constraint learned_limits_first_seen_time_readable check (isfinite(first_seen_time) and first_seen_time < '10000-01-01 00:00:00+00'),
    constraint learned_limits_last_seen_time_readable check (isfinite(last_seen_time) and last_seen_time < '10000-01-01 00:00:00+00')
);

-- Limits that were lowered by policy: a limit that has been changed since is a person's word again, and so is what it counts from.
create table adopted_limits (
    limit_uid uuid primary key references limits (uid) on delete cascade,
    -- What a person had set it to.
    amount_before bigint not null,
    amount_after bigint not null,
    adopt_time timestamptz not null,
    constraint adopted_limits_adopt_time_readable check (isfinite(adopt_time) and adopt_time < '10000-01-01 00:00:00+00')
);
