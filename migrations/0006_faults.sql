-- What the ledger needs to survive lost writes, replicas that stop, and needs that are larger than what is free at one time.

-- The databases that limits were granted in, as replicas saw them: the last row is the one in force. A failover, a restored dump or a
-- lost write makes a new one, and every limit is then treated as if grants of it had been forgotten.
create table incarnations (
    number bigint generated always as identity primary key,
    system_id text not null,
    timeline text not null,
    -- Of limit_blocks: a restored dump has another one.
    filenode bigint not null,
    -- Whether grants that were acknowledged may be gone: not so where replication is declared synchronous.
    lossy boolean not null,
    -- How many replicas may have lost grants, and over how long.
    replicas bigint not null,
    lag_ms bigint not null,
    seen_time timestamptz not null default clock_timestamp()
);

-- How often a replica has said that it lives. One that reads less than it was told had been written knows that commits were lost.
alter table replicas add column beats bigint not null default 0;

alter table limit_ledgers
    -- The last lossy incarnation that this limit has answered to.
    add column incarnation bigint not null default 0,
    -- Nothing is granted before the lower clock has passed it.
    add column frozen_until timestamptz,
    -- The one need that could not be met, and is left room for: whose, how large, until when.
    add column claim_boot_id uuid,
    add column claim_units bigint,
    add column claim_until timestamptz,
    -- The largest block ever granted: a lost one may have been as large.
    add column block_units_max bigint not null default 0;

alter table limit_blocks
    -- Until when its replica may hand out from it, by the higher clock.
    add column open_until timestamptz not null default clock_timestamp(),
    -- Its replica hands out from it no more, and `units` is what was used.
    add column closed boolean not null default false,
    -- One bit for each lease drawn from it whose report its replica has taken.
    add column settled bytea not null default '';
