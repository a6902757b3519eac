-- What a failover may lose of a limit of a long window together with everybody who knows of it: what replicas that had just come were
-- granted in the ten seconds since then, and a need that no block may be as large as before this is known for as long as a failover may lose.
alter table limit_ledgers
    add column newcomers_units bigint,
    add column newcomers_since timestamptz,
    add column raised_units bigint,
    add column raised_since timestamptz,
    add constraint limit_ledgers_newcomers_since_readable
        check (isfinite(newcomers_since) and newcomers_since < '10000-01-01 00:00:00+00'),
    add constraint limit_ledgers_raised_since_readable
        check (isfinite(raised_since) and raised_since < '10000-01-01 00:00:00+00');
