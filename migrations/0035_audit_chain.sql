-- The audit as chains, one per writer (one boot of one replica): each row carries the hash of the row before it and its own, under a key
-- that is not in the database. The release before writes rows without: they are adopted by the first writer, or else reported.
alter table audit_records
    add column writer uuid,
    add column writer_sequence bigint check (writer_sequence > 0),
    add column previous bytea,
    add column mac bytea;
create unique index audit_records_chain on audit_records (writer, writer_sequence, sequence);
create index audit_records_unchained on audit_records (sequence) where writer is null or writer_sequence is null;

-- Where each chain begins and ends, signed: without it rows cut off at the end would not be missed.
create table audit_chains (
    chain text not null check (chain in ('changes', 'leases')),
    writer uuid not null,
    create_time timestamptz not null check (isfinite(create_time) and create_time < '10000-01-01 00:00:00+00'),
    -- The heads of other writers as this one found them when it began: 56 bytes each (writer, sequence, hash).
    witnessed bytea not null,
    birth_mac bytea not null,
    -- Rows up to here were removed by retention.
    anchor_sequence bigint not null,
    anchor_hash bytea not null,
    anchor_mac bytea not null,
    head_sequence bigint not null,
    head_hash bytea not null,
    head_mac bytea not null,
    update_time timestamptz not null default clock_timestamp()
        check (isfinite(update_time) and update_time < '10000-01-01 00:00:00+00'),
    primary key (chain, writer)
) with (fillfactor = 50);
