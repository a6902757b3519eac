-- Versions that something the vault does by itself could not be done to, and when it is tried again: whatever is wrong with one holds up no
-- other. Of all versions few or none; forgotten a day after they were due.
create table version_retries (
    version_uid uuid not null references key_versions (uid) on delete cascade,
    -- What: that a rotation replaces it, or that it is revoked.
    deed text not null check (deed in ('replace', 'revoke')),
    -- How often in vain.
    tries integer not null check (tries > 0),
    next_time timestamptz not null,
    primary key (version_uid, deed),
    constraint version_retries_next_time_readable check (isfinite(next_time) and next_time < '10000-01-01 00:00:00+00')
);
