-- Rotations as operations: what each waits for, who is to take its next step, and what the last try came to.
alter table rotations
    -- Who makes the new secret: operator or rotator.
    add column origin text not null default 'operator',
    -- The new version is promoted untried: a person's word.
    add column skips_test boolean not null default false,
    -- How long the previous version is kept at least, however soon its leases have ended. Null, as the release before leaves it: a day.
    add column grace_ms bigint check (grace_ms >= 0),
    -- When it came to the step it is at.
    add column step_time timestamptz not null default clock_timestamp(),
    -- Tries of that step.
    add column attempts integer not null default 0,
    -- When the next try is due; null while nobody has anything to do. Whoever takes it puts this off for longer than a try takes: should
    -- it never come back, another takes over.
    add column next_attempt_time timestamptz,
    -- What the last try came to, in a few words: none of a provider's.
    add column why text not null default '',
    -- It waits for a person.
    add column is_held boolean not null default false,
    -- It was undone by the vault itself.
    add column is_automatic boolean not null default false,
    -- Grows with whoever takes the next step, and with every word of a person: what an earlier one finds changes nothing.
    add column epoch bigint not null default 0,
    add constraint rotations_step_time_readable check (isfinite(step_time) and step_time < '10000-01-01 00:00:00+00'),
    add constraint rotations_next_attempt_time_readable
        check (isfinite(next_attempt_time) and next_attempt_time < '10000-01-01 00:00:00+00');
create index rotations_due on rotations (next_attempt_time) where next_attempt_time is not null;
create index rotations_step on rotations (step) where step not in ('done', 'cancelled', 'rolled_back');
-- Of a key one rotation at a time is before its promotion.
create unique index rotations_open on rotations (key_uid) where step in ('creating', 'pending', 'testing');
-- New versions that are dead, few of many: their rotations may have to be undone.
create index key_versions_dead on key_versions (key_uid) where stage = 'current' and health = 'dead';
