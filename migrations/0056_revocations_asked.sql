-- What is known of the requests that a rotation's rotator has the secret revoked at the provider: 'asked' from before one is sent until its
-- answer is noted, 'unclear' where one may have done it all the same. A secret that may be gone there is stored for nobody. Null where none
-- was sent, or all were refused, and as the release before leaves it, which notes nothing.
alter table rotations add column revocation text check (revocation in ('asked', 'unclear'));
