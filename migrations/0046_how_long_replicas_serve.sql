-- For how long a replica goes on leasing that cannot reach this database; null, as the release before leaves it: an hour, the longest that
-- one can be told to.
alter table replicas add column serves_ms bigint check (serves_ms >= 0);
