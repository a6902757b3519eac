-- Health probes: when each version is to be asked about at its provider, who of the replicas does it, and what came of the last one.
-- A replica writes a row for every version that a pool wants probed, and claims those that are due: one replica, for a bounded time. One
-- that dies keeps its claim until then and no longer.
create table probes (
    version_uid uuid primary key references key_versions (uid) on delete cascade,
    -- Null while no pool wants it probed: what the last one said stays.
    next_time timestamptz,
    -- Somebody suspects the key: it goes before all that are merely due.
    is_urgent boolean not null default false,
    -- The boot id of the replica that probes it now, and until when nobody else may.
    claimed_by uuid,
    claimed_until timestamptz,
    -- The last one that was made; none of the provider's words.
    last_time timestamptz,
    last_result text,
    last_why text,
    last_took_ms bigint,
    check (num_nulls(claimed_by, claimed_until) in (0, 2)),
    constraint probes_next_time_readable check (isfinite(next_time) and next_time < '10000-01-01 00:00:00+00'),
    constraint probes_claimed_until_readable check (isfinite(claimed_until) and claimed_until < '10000-01-01 00:00:00+00'),
    constraint probes_last_time_readable check (isfinite(last_time) and last_time < '10000-01-01 00:00:00+00')
);

-- What is due is found at once, however many rows are not.
create index probes_due on probes (next_time) where not is_urgent;
create index probes_urgent on probes (next_time) where is_urgent;
create index probes_claimed on probes (claimed_by) where claimed_by is not null;
