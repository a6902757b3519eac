-- What was written while the clock was ahead is found again once it has been put right: of all rows few or none.
create index rotations_step_time on rotations (step_time);
create index key_versions_promoted on key_versions (promote_time) where stage = 'current';

-- How often a rotator was asked in the minute that began then, so that it is not asked for everything at once after a downtime. No part of
-- what the row's MAC is over: whoever edits it only has it asked later or sooner. The release before counts nothing.
alter table rotators
    add column asked integer not null default 0 check (asked >= 0),
    add column asked_since timestamptz,
    add constraint rotators_asked_since_readable check (isfinite(asked_since) and asked_since < '10000-01-01 00:00:00+00');
