-- Whose canary lease it is: one replica of the fleet holds the right to the single lease that tries something that was dead, until that
-- lease can be reported no more.
create table canaries (
    -- What the canary tries, such as 'version/<uid>'.
    subject text primary key,
    -- The right, and the replica that holds it; null while nobody does.
    right_id uuid,
    boot_id uuid,
    since timestamptz,
    until timestamptz,
    -- At or before the true time, as replicas saw it since the right was given: it ends by this, whatever the database's clock does.
    last_low timestamptz,
    check (num_nulls(right_id, boot_id, since, until, last_low) in (0, 5)),
    constraint canaries_since_readable check (isfinite(since) and since < '10000-01-01 00:00:00+00'),
    constraint canaries_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00'),
    constraint canaries_last_low_readable check (isfinite(last_low) and last_low < '10000-01-01 00:00:00+00')
);
