-- Master keys that change while the vault serves: which one seals, who holds which, and wrapping everything anew as an operation.

alter table cluster
    -- The fingerprint of the master key that wraps whatever is sealed; null until a release that chooses it here has started once. Under
    -- a MAC, so that a database writer who has an old key cannot have new secrets sealed by it.
    add column promoted_master_key text,
    add column promoted_mac bytea;

-- The fingerprints of the master keys that a replica holds.
alter table replicas add column master_keys text[] not null default '{}';

alter table master_keys
    -- Since when nothing is wrapped with it. Backups that are older need it.
    add column unneeded_time timestamptz,
    -- No replica uses it any more, wherever it is still found.
    add column retire_time timestamptz,
    -- Of one that comes from a passphrase: the key that the same passphrase gave under weaker parameters, and that this one replaces.
    add column replaces text,
    add constraint master_keys_unneeded_time_readable check (isfinite(unneeded_time) and unneeded_time < '10000-01-01 00:00:00+00'),
    add constraint master_keys_retire_time_readable check (isfinite(retire_time) and retire_time < '10000-01-01 00:00:00+00');

-- Wrapping every data key, and the cluster key, anew under one master key. One replica works at it at a time, batch by batch; each batch
-- is one transaction that moves the rows and this one, so that whoever stops leaves nothing half done.
create table rewraps (
    uid uuid primary key,
    number bigint generated always as identity,
    -- The master key that everything is wrapped with when it is done.
    master_key_fingerprint text not null,
    state text not null check (state in ('running', 'done', 'incomplete', 'exhausted', 'cancelled', 'superseded')),
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    end_time timestamptz,
    -- Rows that were wrapped with other keys when it began, those that have been moved since, and those that do not open.
    total bigint not null,
    rewrapped bigint not null default 0,
    failed bigint not null default 0,
    -- At most so many rows a second.
    rate_max integer not null check (rate_max > 0),
    -- Where the walk over all rows is; null at its beginning.
    cursor_version_uid uuid,
    cursor_field text,
    -- Rows moved during this walk: one that moved none was the last.
    moved bigint not null default 0,
    -- The boot id of the replica that works at it, and until when nobody else does.
    claimed_by uuid,
    claimed_until timestamptz,
    check (num_nulls(cursor_version_uid, cursor_field) in (0, 2)),
    constraint rewraps_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    constraint rewraps_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    constraint rewraps_end_time_readable check (isfinite(end_time) and end_time < '10000-01-01 00:00:00+00')
);
create unique index rewraps_running on rewraps ((true)) where state = 'running';
