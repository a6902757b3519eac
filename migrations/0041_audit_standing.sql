-- What is known of the audit's chains as a whole, in one row under a MAC: since when there are any, how many have begun, and what of the
-- releases before was put into them. Without it nobody would miss a chain that was removed together with all its rows, nor doubt a past
-- that somebody made up for an audit that he emptied. The first start of a release that keeps it writes it.
create table audit_standing (
    singleton boolean primary key default true check (singleton),
    since timestamptz not null,
    -- Chains that have begun so far.
    begun_changes bigint not null check (begun_changes >= 0),
    begun_leases bigint not null check (begun_leases >= 0),
    -- The chain into which that start put records that were in none, and how many; null where there were none.
    adopted_writer uuid,
    adopted_rows bigint check (adopted_rows > 0),
    mac bytea not null,
    check (num_nulls(adopted_writer, adopted_rows) in (0, 2)),
    constraint audit_standing_since_readable check (isfinite(since) and since < '10000-01-01 00:00:00+00')
);
