-- What each change left of the rows that it wrote, in its last record and under that record's hash: an older row that somebody puts back, or
-- takes away, is then not what the last change of it left. Its format is in docs/formats.md. Null where the release before wrote the record.
alter table audit_records add column rows bytea;
-- The rows of a change are found by its revision.
create index rotators_rev on rotators (rev);
