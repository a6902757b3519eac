-- The version that a renewed lease is of, until its issuer says that the lease is over. The version is kept for it whatever the issuer says of
-- its other leases: that this one was renewed elsewhere it may not have heard.
alter table lease_renewals add column version_uid uuid;
create index lease_renewals_version on lease_renewals (version_uid, until) where version_uid is not null;
