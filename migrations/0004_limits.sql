-- Limits and the expiring-charge ledger. A limit's owner is an account or a caller.

create table limits (
    uid uuid primary key,
    rev bigint not null,
    owner_kind text not null check (owner_kind in ('account', 'caller')),
    owner_uid uuid not null,
    id text not null,
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    -- A deleted limit keeps its row and charges, so that one of the same name and dimension revives them.
    delete_time timestamptz,
    dimension text not null,
    amount bigint not null check (amount > 0),
    window_ms bigint,
    calendar_period text,
    calendar_time_zone text,
    models text[] not null default '{}',
    mode text not null default 'enforce' check (mode in ('enforce', 'shadow')),
    validity_ms bigint,
    start_within_ms bigint,
    blackout_ms bigint
);
create index limits_rev on limits (rev);
create unique index limits_name on limits (owner_uid, id) where delete_time is null;

-- The row that a reserve locks: apart from the configuration, narrow, and updated in place.
create table limit_ledgers (
    limit_uid uuid primary key references limits (uid) on delete cascade,
    -- The two clocks: charges are stamped with the higher, and expire by the lower; neither goes back.
    last_high timestamptz not null default clock_timestamp(),
    last_low timestamptz not null default clock_timestamp(),
    -- Grows with every grant: a replica that has seen a higher one knows that commits were lost.
    grant_number bigint not null default 0
) with (fillfactor = 50);

-- Units of one limit that one replica has reserved, charged until their time has passed.
create table limit_blocks (
    block_id uuid primary key,
    limit_uid uuid not null references limit_ledgers (limit_uid) on delete cascade,
    boot_id uuid not null,
    epoch integer not null default 0,
    units bigint not null check (units >= 0),
    charge_until timestamptz not null,
    grant_number bigint not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index limit_blocks_limit on limit_blocks (limit_uid, charge_until);
