-- Prices of models that operators have set. A row is never changed: a newer one takes effect from its time on, and the older ones stay,
-- so that anyone can tell later what a use was priced at.

create table prices (
    uid uuid primary key,
    rev bigint not null,
    profile text not null,
    -- A model, or a pattern of models.
    model text not null,
    -- Micros of a US dollar for a million tokens. No price at all: from then on the built-in one, if there is one.
    input_micros bigint check (input_micros >= 0),
    -- As any other input unless set.
    cached_input_micros bigint check (cached_input_micros >= 0),
    output_micros bigint check (output_micros >= 0),
    effective_time timestamptz not null,
    create_time timestamptz not null,
    set_by text not null,
    check ((input_micros is null) = (output_micros is null))
);
create index prices_rev on prices (rev);
create index prices_model on prices (profile, model, effective_time, rev);
