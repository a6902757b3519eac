-- The need of a call that was refused, and when it was told that so much is free: demand to come takes nothing of it then.
alter table limit_ledgers
    add column told_units bigint,
    add column told_at timestamptz;
