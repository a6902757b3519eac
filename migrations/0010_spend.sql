-- What was spent, for charge-back: sums by day (UTC), pool, account, model, caller and tags. Replicas add to them in batches.

create table spend (
    day date not null,
    -- By full names, not by uid: whoever reads them later wants to know them when the resources are gone.
    pool text not null,
    account text not null,
    -- Empty where the lease named none.
    model text not null,
    caller text not null,
    -- The tags of the leases, as one object of texts.
    tags jsonb not null,
    cost_micros bigint not null,
    requests bigint not null,
    -- Requests whose cost is not known, and so is not in cost_micros.
    unpriced_requests bigint not null,
    input_tokens bigint not null,
    cached_input_tokens bigint not null,
    output_tokens bigint not null,
    primary key (day, pool, account, model, caller, tags)
) with (fillfactor = 70);

-- Batches that were added: one that comes again, since its reply was lost, changes nothing.
create table spend_flushes (
    flush_id uuid primary key,
    create_time timestamptz not null default clock_timestamp()
);
create index spend_flushes_age on spend_flushes (create_time);
