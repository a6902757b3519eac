-- Leases that another replica settled, since the one that gave them was gone: each once, whoever takes its report up.
create table settled (
    issuer uuid not null,
    serial bigint not null,
    create_time timestamptz not null default clock_timestamp(),
    primary key (issuer, serial)
);
create index settled_age on settled (create_time);
