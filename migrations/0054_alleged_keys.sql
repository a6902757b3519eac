-- What a key, or one model of it, cools down from by one caller's word alone, as accounts do. The release before writes neither column:
-- what it says then of a key that cools down is more than a word, and of a model it is tried the sooner.

alter table key_versions
    -- When a single lease may find out whether the budget is spent that one caller (health_accuser) says is.
    add column health_tried_time timestamptz,
    add constraint key_versions_health_tried_time_readable
        check (isfinite(health_tried_time) and health_tried_time < '10000-01-01 00:00:00+00');

alter table version_cooldowns
    -- The caller who alone says that it lasts so long; null where it is more than one caller's word.
    add column accuser uuid,
    add column tried_time timestamptz,
    add constraint version_cooldowns_tried_time_readable
        check (isfinite(tried_time) and tried_time < '10000-01-01 00:00:00+00'),
    add constraint version_cooldowns_alleged check ((accuser is null) = (tried_time is null));
