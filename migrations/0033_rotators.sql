-- What makes new secrets: for an account one web address that is asked for them. The key it is asked with is derived, so none is stored.
create table rotators (
    account_uid uuid primary key references accounts (uid) on delete cascade,
    rev bigint not null,
    url text not null,
    allow_http boolean not null,
    -- How long a previous version is kept at least; null for the default.
    grace_ms bigint check (grace_ms >= 0),
    -- Of the signing secret: it grows with each new one.
    generation integer not null check (generation > 0),
    create_time timestamptz not null,
    update_time timestamptz not null,
    mac bytea not null,
    constraint rotators_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    constraint rotators_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00')
);

-- What the provider calls a secret that a rotator made, so that it can be revoked there. Under a MAC: a database writer cannot have
-- another one revoked.
create table provider_references (
    version_uid uuid primary key references key_versions (uid) on delete cascade,
    reference text not null,
    mac bytea not null
);

-- How many rotations were begun lately is asked before each that begins by itself.
create index rotations_begun on rotations (create_time) where origin = 'rotator';

-- What people are told of: few of many.
create index rotations_held on rotations (update_time) where is_held or is_automatic;
