-- The cluster as a whole: one revision that every change takes, and the key that all other keys but the master keys derive from.

create table cluster (
    singleton boolean primary key default true check (singleton),
    -- Every change of configuration or health takes the next revision while it holds this row, so revisions are in commit order
    -- and a replica that has read up to one has missed nothing before it.
    rev bigint not null default 0,
    wrapped_key bytea,
    master_key_fingerprint text
);
insert into cluster default values;

-- Master keys by fingerprint; the keys themselves are never here. Passphrase parameters are, since they are needed to derive one.
create table master_keys (
    fingerprint text primary key,
    state text not null check (state in ('promoted', 'present', 'retired')),
    salt bytea,
    memory_kib integer,
    iterations integer,
    parallelism integer,
    -- How often it has wrapped: AES-GCM with random nonces must stop before 2^32.
    wraps bigint not null default 0,
    create_time timestamptz not null default now()
);

-- What was deleted, so that replicas that read changes by revision learn of it.
create table deletions (
    rev bigint not null,
    kind text not null,
    uid uuid not null,
    primary key (rev, kind, uid)
);

-- Replicas that run, by the id each makes at start.
create table replicas (
    boot_id uuid primary key,
    address text not null,
    version text not null,
    -- The versions of stored and sealed formats it reads: a newer one is written only when all live replicas read it.
    formats integer not null,
    start_time timestamptz not null default now(),
    heartbeat_time timestamptz not null default now()
);
