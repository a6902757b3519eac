-- Limits on what is held, and leases that go on.

-- Of a limit of concurrency: how long one lease may hold its permits before it is renewed. Null: the default.
alter table limits add column lease_duration_max_ms bigint;

-- Leases that were renewed, by the replica that gave them and their number there: until when each may be reported. A lease id says only
-- when it would have ended.
create table lease_renewals (
    issuer uuid not null,
    serial bigint not null,
    until timestamptz not null,
    primary key (issuer, serial)
);
create index lease_renewals_until on lease_renewals (until);
