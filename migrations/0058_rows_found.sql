-- What the last change of a row found of it: the MAC, or what stands for that, as in the records of the audit, which it goes into. So a change
-- that was made onto an older row, which somebody had put back, is told from the one that should have come before. Only whoever updates a
-- row sees both; nothing else is decided by it. Null of rows that were inserted, and where the release before made the last change.
alter table accounts add column mac_before bytea;
alter table keys add column mac_before bytea;
alter table key_versions add column stage_before text;
alter table pools add column mac_before bytea, add column members_before bytea;
alter table callers add column mac_before bytea, add column grants_before bytea;
alter table tokens add column mac_before bytea;
alter table rotators add column mac_before bytea;
