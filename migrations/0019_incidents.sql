-- What befalls many keys at once and is no key's fault: providers that fail, ways out that are barred, pools whose keys die together.
create table incidents (
    kind text not null check (kind in ('breaker', 'egress', 'brake')),
    -- Of a brake, the uid of the pool; of the others, the provider as 'profile/host'.
    subject text not null check (length(subject) between 1 and 512),
    rev bigint not null,
    since timestamptz not null,
    -- When it ends by itself; of a breaker, when the next trial may go out.
    until timestamptz not null,
    ended_time timestamptz,
    why text not null,
    -- How often in a row.
    strikes integer not null,
    -- The callers whose reports speak of it, of which a bounded number is kept.
    accusers uuid[] not null,
    primary key (kind, subject),
    constraint incidents_since_readable check (isfinite(since) and since < '10000-01-01 00:00:00+00'),
    constraint incidents_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00'),
    constraint incidents_ended_time_readable check (isfinite(ended_time) and ended_time < '10000-01-01 00:00:00+00')
);
create index incidents_rev on incidents (rev);
