-- What is remembered of changes and reports.

-- Answers to repeated mutations: a keyed hash of the request and the name of the resource, never a secret.
create table request_ids (
    caller_uid uuid not null,
    method text not null,
    request_id text not null,
    request_hash bytea not null,
    resource text not null,
    create_time timestamptz not null default now(),
    primary key (caller_uid, method, request_id)
);
create index request_ids_age on request_ids (create_time);

-- One row per change, in the change's own transaction.
create table audit_records (
    sequence bigint generated always as identity primary key,
    record_time timestamptz not null default now(),
    caller text not null,
    method text not null,
    resource text not null,
    reason text not null,
    source text not null,
    summary text not null
);
create index audit_records_resource on audit_records (resource text_pattern_ops, sequence);

-- Reports that reached a replica other than the lease's issuer, on their way to it.
create table foreign_reports (
    id bigint generated always as identity primary key,
    issuer uuid not null,
    create_time timestamptz not null default clock_timestamp(),
    report bytea not null
);
create index foreign_reports_issuer on foreign_reports (issuer, id);
