-- Times that a replica can read: neither infinite nor beyond the years that it counts in. One of another kind, written by hand, would
-- fail every read of the configuration, and with it every revocation.
alter table master_keys
    add constraint master_keys_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00');
alter table replicas
    add constraint replicas_start_time_readable check (isfinite(start_time) and start_time < '10000-01-01 00:00:00+00'),
    add constraint replicas_heartbeat_time_readable check (isfinite(heartbeat_time) and heartbeat_time < '10000-01-01 00:00:00+00');
alter table accounts
    add constraint accounts_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint accounts_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    add constraint accounts_disabled_since_readable check (isfinite(disabled_since) and disabled_since < '10000-01-01 00:00:00+00'),
    add constraint accounts_disabled_until_readable check (isfinite(disabled_until) and disabled_until < '10000-01-01 00:00:00+00');
alter table keys
    add constraint keys_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint keys_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    add constraint keys_disabled_since_readable check (isfinite(disabled_since) and disabled_since < '10000-01-01 00:00:00+00'),
    add constraint keys_disabled_until_readable check (isfinite(disabled_until) and disabled_until < '10000-01-01 00:00:00+00');
alter table key_versions
    add constraint key_versions_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint key_versions_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    add constraint key_versions_promote_time_readable check (isfinite(promote_time) and promote_time < '10000-01-01 00:00:00+00'),
    add constraint key_versions_revoke_time_readable check (isfinite(revoke_time) and revoke_time < '10000-01-01 00:00:00+00'),
    add constraint key_versions_drain_until_readable check (isfinite(drain_until) and drain_until < '10000-01-01 00:00:00+00'),
    add constraint key_versions_health_until_readable check (isfinite(health_until) and health_until < '10000-01-01 00:00:00+00');
alter table rotations
    add constraint rotations_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint rotations_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00');
alter table cooldowns
    add constraint cooldowns_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00');
alter table pools
    add constraint pools_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint pools_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    add constraint pools_disabled_since_readable check (isfinite(disabled_since) and disabled_since < '10000-01-01 00:00:00+00'),
    add constraint pools_disabled_until_readable check (isfinite(disabled_until) and disabled_until < '10000-01-01 00:00:00+00');
alter table callers
    add constraint callers_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint callers_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    add constraint callers_disabled_since_readable check (isfinite(disabled_since) and disabled_since < '10000-01-01 00:00:00+00'),
    add constraint callers_disabled_until_readable check (isfinite(disabled_until) and disabled_until < '10000-01-01 00:00:00+00');
alter table tokens
    add constraint tokens_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint tokens_expire_time_readable check (isfinite(expire_time) and expire_time < '10000-01-01 00:00:00+00'),
    add constraint tokens_revoke_time_readable check (isfinite(revoke_time) and revoke_time < '10000-01-01 00:00:00+00');
alter table limits
    add constraint limits_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    add constraint limits_update_time_readable check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    add constraint limits_delete_time_readable check (isfinite(delete_time) and delete_time < '10000-01-01 00:00:00+00');
alter table limit_ledgers
    add constraint limit_ledgers_last_high_readable check (isfinite(last_high) and last_high < '10000-01-01 00:00:00+00'),
    add constraint limit_ledgers_last_low_readable check (isfinite(last_low) and last_low < '10000-01-01 00:00:00+00'),
    add constraint limit_ledgers_frozen_until_readable check (isfinite(frozen_until) and frozen_until < '10000-01-01 00:00:00+00'),
    add constraint limit_ledgers_claim_until_readable check (isfinite(claim_until) and claim_until < '10000-01-01 00:00:00+00'),
    add constraint limit_ledgers_offline_kept_until_readable
        check (isfinite(offline_kept_until) and offline_kept_until < '10000-01-01 00:00:00+00'),
    add constraint limit_ledgers_offline_ripe_at_readable check (isfinite(offline_ripe_at) and offline_ripe_at < '10000-01-01 00:00:00+00');
alter table limit_blocks
    add constraint limit_blocks_charge_until_readable check (isfinite(charge_until) and charge_until < '10000-01-01 00:00:00+00'),
    add constraint limit_blocks_open_until_readable check (isfinite(open_until) and open_until < '10000-01-01 00:00:00+00');
alter table request_ids
    add constraint request_ids_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00');
alter table audit_records
    add constraint audit_records_record_time_readable check (isfinite(record_time) and record_time < '10000-01-01 00:00:00+00');
alter table foreign_reports
    add constraint foreign_reports_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00');
alter table incarnations
    add constraint incarnations_seen_time_readable check (isfinite(seen_time) and seen_time < '10000-01-01 00:00:00+00');
alter table lease_renewals
    add constraint lease_renewals_until_readable check (isfinite(until) and until < '10000-01-01 00:00:00+00');
alter table settled
    add constraint settled_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00');
alter table prices
    add constraint prices_effective_time_readable check (isfinite(effective_time) and effective_time < '10000-01-01 00:00:00+00'),
    add constraint prices_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00');
alter table spend_flushes
    add constraint spend_flushes_create_time_readable check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00');
alter table spend
    add constraint spend_day_readable check (isfinite(day) and day < '10000-01-01');
