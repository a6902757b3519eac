-- Accounts own keys and limits; keys own versions; versions own sealed secrets.
-- `mac` columns are keyed digests over the row's security-relevant columns: a database writer cannot make or change such rows.

create table accounts (
    uid uuid primary key,
    rev bigint not null,
    id text not null unique,
    labels jsonb not null default '{}',
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    profile text not null,
    base_url text not null,
    allowed_hosts text[] not null,
    allow_http boolean not null,
    -- Where a generic provider expects the key: header or query parameter, its name, and what goes before the value.
    placement_kind text check (placement_kind in ('header', 'query')),
    placement_name text,
    placement_prefix text,
    rotation_seconds bigint,
    disabled_why text,
    disabled_since timestamptz,
    disabled_until timestamptz,
    disabled_by text,
    mac bytea not null
);
create index accounts_rev on accounts (rev);

create table keys (
    uid uuid primary key,
    rev bigint not null,
    account_uid uuid not null references accounts (uid),
    id text not null,
    labels jsonb not null default '{}',
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    model_allow text[] not null default '{}',
    model_deny text[] not null default '{}',
    model_map jsonb not null default '{}',
    rotation_seconds bigint,
    disabled_why text,
    disabled_since timestamptz,
    disabled_until timestamptz,
    disabled_by text,
    mac bytea not null,
    unique (account_uid, id)
);
create index keys_rev on keys (rev);

create table key_versions (
    uid uuid primary key,
    rev bigint not null,
    key_uid uuid not null references keys (uid) on delete cascade,
    number integer not null check (number > 0),
    stage text not null check (stage in ('pending', 'current', 'previous', 'revoked')),
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    promote_time timestamptz,
    revoke_time timestamptz,
    -- When the last lease of a previous version has ended and it is revoked.
    drain_until timestamptz,
    -- The hosts its secrets are sealed for.
    sealed_hosts text[] not null,
    health text not null default 'active' check (health in ('active', 'cooling', 'dead')),
    health_until timestamptz,
    health_why text,
    health_class text,
    unique (key_uid, number)
);
create index key_versions_rev on key_versions (rev);
create unique index key_versions_current on key_versions (key_uid) where stage = 'current';
create index key_versions_drain on key_versions (drain_until) where stage = 'previous';

create table secrets (
    version_uid uuid not null references key_versions (uid) on delete cascade,
    field text not null,
    master_key_fingerprint text not null,
    wrapped_dek bytea not null,
    ciphertext bytea not null,
    -- Keyed: finds duplicates, reveals nothing.
    fingerprint bytea not null,
    primary key (version_uid, field)
);
create index secrets_fingerprint on secrets (fingerprint);
create index secrets_master_key on secrets (master_key_fingerprint);

create table rotations (
    uid uuid primary key,
    key_uid uuid not null references keys (uid) on delete cascade,
    id text not null,
    step text not null,
    from_number integer,
    to_number integer not null,
    reason text not null,
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    unique (key_uid, id)
);

-- What an account, or one of its models, cools down from. The model is empty for the account as a whole.
create table cooldowns (
    account_uid uuid not null references accounts (uid) on delete cascade,
    model text not null default '',
    rev bigint not null,
    until timestamptz not null,
    why text not null,
    class text not null,
    primary key (account_uid, model)
);
create index cooldowns_rev on cooldowns (rev);
