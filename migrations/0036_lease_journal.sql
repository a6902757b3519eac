-- What is journaled of the leases of a pool: off, rollup, full or strict. Null, as the release before leaves it: rollup. It is under the row's
-- MAC wherever it is set.
alter table pools add column journal text check (journal in ('off', 'rollup', 'full', 'strict'));

-- Leases, in the chains of their writers (see audit_chains): one row each, or counts per minute. Never a secret.
create table lease_journal (
    writer uuid not null,
    sequence bigint not null check (sequence > 0),
    -- Tells rows apart that claim the same place.
    number bigint generated always as identity,
    kind text not null check (kind in ('lease', 'rollup')),
    -- When the lease was given; of a rollup the minute.
    record_time timestamptz not null check (isfinite(record_time) and record_time < '10000-01-01 00:00:00+00'),
    -- By full names, not by uid: whoever reads them later wants to know them when the resources are gone.
    pool text not null,
    key text not null,
    version bigint not null,
    caller text not null,
    leases bigint not null,
    uses bigint not null,
    -- How the lease's id begins, which no other shares; empty in a rollup.
    lease text not null,
    -- The tags of the lease as one object in JSON; empty in a rollup.
    tags text not null,
    previous bytea not null,
    mac bytea not null,
    primary key (writer, sequence, number)
);
create index lease_journal_age on lease_journal (record_time);
