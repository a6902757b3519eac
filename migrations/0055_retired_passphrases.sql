-- How a retired master key came from its passphrase is of no use but to whoever guesses at that.
update master_keys set salt = null, memory_kib = null, iterations = null, parallelism = null where retire_time is not null;
