-- What single models of one key version cool down from, where a provider counts them by key: what one replica was told binds the fleet.
create table version_cooldowns (
    version_uid uuid not null references key_versions (uid) on delete cascade,
    model text not null check (model <> ''),
    rev bigint not null,
    until timestamptz not null,
    why text not null,
    class text not null,
    primary key (version_uid, model),
    constraint version_cooldowns_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00')
);
create index version_cooldowns_rev on version_cooldowns (rev);
