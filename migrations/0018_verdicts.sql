-- One caller's word, what confirms it, and what became of every version.

alter table pools
    -- What one caller's word against a key is worth; null is the default.
    add column verdicts text check (verdicts in ('confirm', 'trust')),
    add column quarantine_ms bigint,
    add column recovery_ramp_ms bigint;

alter table key_versions
    -- Of a dead version that nobody has confirmed: the caller who accused it.
    add column health_accuser uuid,
    -- When a version that was dead became well again: its share grows from then on.
    add column recover_time timestamptz,
    add constraint key_versions_recover_time_readable check (isfinite(recover_time) and recover_time < '10000-01-01 00:00:00+00');

-- What became of the health of a version: the last changes of each.
create table health_changes (
    id bigint generated always as identity primary key,
    version_uid uuid not null references key_versions (uid) on delete cascade,
    change_time timestamptz not null default clock_timestamp(),
    from_health text not null,
    to_health text not null,
    until timestamptz,
    why text,
    class text,
    accuser uuid,
    -- Who said so: a caller, the canary of one, a probe, a pool's brake, or a person.
    who text not null,
    constraint health_changes_change_time_readable check (isfinite(change_time) and change_time < '10000-01-01 00:00:00+00'),
    constraint health_changes_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00')
);
create index health_changes_version on health_changes (version_uid, id);
