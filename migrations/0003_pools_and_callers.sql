-- Pools are what callers lease from; callers are who may call.

create table pools (
    uid uuid primary key,
    rev bigint not null,
    id text not null unique,
    labels jsonb not null default '{}',
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    strategy text not null check (strategy in ('round_robin', 'weighted', 'least_used')),
    dead_ttl_ms bigint,
    unhealthy_ttl_ms bigint,
    failure_threshold integer,
    probe_enabled boolean not null default false,
    probe_interval_ms bigint,
    estimate_input_tokens bigint,
    estimate_output_tokens bigint,
    estimate_cost_micros bigint,
    rotation_seconds bigint,
    lease_duration_ms bigint,
    disabled_why text,
    disabled_since timestamptz,
    disabled_until timestamptz,
    disabled_by text,
    mac bytea not null
);
create index pools_rev on pools (rev);

create table pool_members (
    pool_uid uuid not null references pools (uid) on delete cascade,
    target_kind text not null check (target_kind in ('account', 'key')),
    target_uid uuid not null,
    tier integer not null,
    weight integer not null,
    mac bytea not null,
    primary key (pool_uid, target_uid)
);
create index pool_members_target on pool_members (target_uid);

create table callers (
    uid uuid primary key,
    rev bigint not null,
    id text not null unique,
    labels jsonb not null default '{}',
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    disabled_why text,
    disabled_since timestamptz,
    disabled_until timestamptz,
    disabled_by text,
    mac bytea not null
);
create index callers_rev on callers (rev);

create table grants (
    caller_uid uuid not null references callers (uid) on delete cascade,
    role text not null check (role in ('admin', 'operator', 'auditor', 'lessee')),
    pool_pattern text not null default '',
    mac bytea not null,
    primary key (caller_uid, role, pool_pattern)
);

create table identities (
    caller_uid uuid not null references callers (uid) on delete cascade,
    kind text not null,
    subject text not null,
    mac bytea not null,
    primary key (kind, subject)
);

create table tokens (
    id text primary key,
    uid uuid not null unique,
    rev bigint not null,
    caller_uid uuid not null references callers (uid) on delete cascade,
    -- HMAC of the token's secret under a pepper that is not in the database.
    hash bytea not null,
    display_name text not null default '',
    create_time timestamptz not null default now(),
    expire_time timestamptz,
    revoke_time timestamptz,
    mac bytea not null
);
create index tokens_rev on tokens (rev);
create index tokens_caller on tokens (caller_uid);
