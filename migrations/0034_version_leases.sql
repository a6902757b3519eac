-- When a previous version has had its last lease: what each replica says of those it gave.
alter table key_versions
    -- A previous version is kept until then, however soon its leases have ended. Null, as the release before leaves it: `drain_until`.
    add column keep_until timestamptz,
    add constraint key_versions_keep_until_readable check (isfinite(keep_until) and keep_until < '10000-01-01 00:00:00+00');
create index key_versions_keep on key_versions (keep_until) where stage = 'previous';

create table version_leases (
    version_uid uuid not null references key_versions (uid) on delete cascade,
    -- The boot of the replica that gave the leases.
    boot_id uuid not null,
    -- It gives no more, as of this revision of the version; null while it has not said so.
    rev bigint,
    -- None of its leases goes on beyond this; null where none is out.
    until timestamptz,
    primary key (version_uid, boot_id),
    constraint version_leases_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00')
);
create index version_leases_until on version_leases (until);
