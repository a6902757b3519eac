# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
.PHONY: test chaos shares night demo bench bench-all examples k8s-test queries

# What a checkout must pass. Needs Rust and git; installs what else is missing: PostgreSQL by the system's package manager, two linters
# under .tools/.
test:
	./scripts/test

# Limits under every fault, with real processes: minutes, and a table. RUNS="name name" runs these alone; `make test` has a short selection.
chaos:
	./scripts/chaos $(RUNS)

# How much of a limit is used with real processes while three times as much is wanted, beside N divided among the replicas: a table.
# RUNS as above.
shares:
	./scripts/shares $(RUNS)

# What is for the night: thousands of seeds in simulation, a day of load, a day of churn, `make shares` and `make chaos`.
# SEEDS=1000 is so many of every scenario, of which there are some eighty.
night:
	./scripts/night

# The main job, on free ports in a scratch folder.
demo:
	./examples/demo/run

# LeaseKey beside a bare tonic server: throughput and p99 as JSON on the last line. Installs h2load where it is missing.
bench:
	./scripts/bench compare

# The same, and beside one transaction per lease, by the number of keys and pools, and what Postgres has to do.
bench-all:
	./scripts/bench all

# The same small program in Python, Node, Go and Java against `keylease dev`; and a rotator that mints keys.
examples:
	./examples/run
	./examples/rotator/run

# Against the cluster of KUBECONFIG.
k8s-test:
	./k8s/test

# After a query or migration has changed: writes .sqlx anew, against the migrated database of DATABASE_URL.
queries:
	./scripts/prepare-queries
