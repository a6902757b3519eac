-- What an account cools down from by one caller's word alone, and since when it does.

alter table cooldowns
    add column since timestamptz not null default clock_timestamp(),
    -- The caller who alone says that it lasts so long; null where it is more than one caller's word.
    add column accuser uuid,
    -- When a single lease may find out whether that is so.
    add column tried_time timestamptz,
    add constraint cooldowns_since_readable check (isfinite(since) and since < '10000-01-01 00:00:00+00'),
    add constraint cooldowns_tried_time_readable check (isfinite(tried_time) and tried_time < '10000-01-01 00:00:00+00'),
    add constraint cooldowns_alleged check ((accuser is null) = (tried_time is null));
