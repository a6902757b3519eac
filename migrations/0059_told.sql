-- The need of a call that was refused, and when it was told that so much is free: demand to come takes nothing of it then.
alter table limit_ledgers
    add column told_units bigint,
    add column told_at timestamptz,
    add constraint limit_ledgers_told_at_readable check (isfinite(told_at) and told_at < '10000-01-01 00:00:00+00');
