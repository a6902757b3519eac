-- Promotions are numbered, under the MAC of the promoted master key: one of before is not taken for today's. Null, as releases before this
-- left it, until the first start of this one, which takes over what it finds under its MAC of then.
alter table cluster add column promotion_number bigint check (promotion_number > 0);
