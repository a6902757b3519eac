-- A part of a limit that replicas serve from while they cannot reach this database.

alter table limits
    -- Percent of the amount, in so many slots, for outages of this length. All three or none.
    add column offline_percent integer check (offline_percent > 0),
    add column offline_slots integer check (offline_slots > 0),
    add column offline_outage_max_ms bigint check (offline_outage_max_ms > 0);

-- What the ledger leaves alone. It is apart from the configuration, since a change of that binds the ledger at once, but frees nothing
-- before replicas that have not heard of it are done.
alter table limit_ledgers
    -- The share as the ledger last saw it.
    add column offline_slot_units bigint not null default 0,
    add column offline_slots integer not null default 0,
    add column offline_window_ms bigint not null default 0,
    add column offline_reach_ms bigint not null default 0,
    -- Of older shares: units, and until when they are kept, by the higher clock.
    add column offline_kept_units bigint not null default 0,
    add column offline_kept_until timestamptz,
    -- When replicas may begin to serve by the share, by the lower clock.
    add column offline_ripe_at timestamptz;
