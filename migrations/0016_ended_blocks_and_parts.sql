-- Blocks of which their replica will say nothing more can be merged with others that end about the same time: else a limit of 30 days
-- would have a row for every second.
alter table limit_blocks
    -- All leases drawn from it have ended. Charges without leases are written as ended.
    add column ended boolean not null default false;
update limit_blocks set ended = true where closed and open_until = charge_until;

-- Of a lease that is reported in parts, which reports were settled in its issuer's place, and how many of its uses.
alter table settled
    -- Null, as the release before leaves it: all of them.
    add column uses bigint,
    add column sequences integer[] not null default '{}';
