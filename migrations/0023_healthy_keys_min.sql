-- How many keys of a pool are to be healthy: fewer raise an alert. Null, as the release before leaves it: no number.
alter table pools add column healthy_keys_min integer check (healthy_keys_min > 0);
