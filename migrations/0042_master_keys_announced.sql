-- That a master key is known is on record: whoever makes one known leaves this false, and the next that seals by the ring records it. Those of
-- before count as recorded.
alter table master_keys add column announced boolean not null default true;
alter table master_keys alter column announced set default false;
