-- Times that a replica can read, in the tables that came since: see the first migration of that name.
alter table audit_chains
    add constraint audit_chains_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint audit_chains_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00');
alter table lease_journal
    add constraint lease_journal_record_time_readable check (isfinite(record_time) and record_time < '10000-01-01 00:00:00+00');
alter table rewraps
    add constraint rewraps_claimed_until_readable check (isfinite(claimed_until) and claimed_until < '10000-01-01 00:00:00+00');
