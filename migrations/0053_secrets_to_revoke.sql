-- The keyed digest of the secret that a rotation's rotator has yet to have revoked at its provider: should that secret be rotated in again
-- before, it is not revoked. Null where nothing is to be revoked, and as the release before leaves it: then it is, as it always was.
alter table rotations add column fingerprint bytea;
create index rotations_fingerprint on rotations (fingerprint) where fingerprint is not null;
