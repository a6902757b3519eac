-- Which replica serves from which slot. A row is only ever changed by whoever saw it as it is.

create table offline_slots (
    slot integer primary key check (slot between 0 and 63),
    -- Its owner; null: nobody has had it yet. It says nothing of whether the owner lives: others find that out by watching.
    boot_id uuid,
    -- Grows with every renewal.
    beats bigint not null default 0,
    -- How long after its last renewal uses that the owner handed out still count, at most.
    reach_ms bigint not null default 0
) with (fillfactor = 50);
insert into offline_slots (slot) select generate_series(0, 63);
