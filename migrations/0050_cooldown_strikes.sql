-- How many cooldowns there were since the last success, so that the next one doubles whichever replica sees it. The release before
-- leaves it at none, and begins anew as it always did.
alter table cooldowns add column strikes integer not null default 0 check (strikes >= 0);
