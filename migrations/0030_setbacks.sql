-- That the database went back in time, as replicas saw it that had known a later state: a restored dump, or writes that a failover lost.
create table setbacks (
    id bigint generated always as identity primary key,
    seen_time timestamptz not null default clock_timestamp(),
    boot_id uuid not null,
    -- The revision that the replica knew, and the one that it found.
    rev_known bigint not null,
    rev_found bigint not null,
    -- Versions that had been replaced, revoked or deleted, and are there again: the first of them, and how many there are.
    back uuid[] not null,
    back_count bigint not null,
    -- Versions that the replica knew and that are gone.
    lost_count bigint not null,
    constraint setbacks_seen_time_readable check (isfinite(seen_time) and seen_time < '10000-01-01 00:00:00+00')
);
