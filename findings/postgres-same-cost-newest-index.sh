#!/usr/bin/env bash
# PostgreSQL 16 (pgserver 0.1.4 from PyPI): for the planner, a look-up by the whole primary key costs as much as one by
# the first column of another index, while it knows nothing of the table. Then the index that was created last wins.
#
# A table has the primary key (tenant, id) and a unique index (tenant, email). One would expect `WHERE tenant = $1 AND
# id = $2` to use the primary key, whatever the planner knows: at most one row can match. But of a table that was never
# analyzed, it expects a two-hundredth of the rows for any one tenant, and of a small table that is one row, too. Equal
# costs, so it takes the newest index, reads all rows of the tenant, and compares their ids. A prepared statement with a
# generic plan keeps that plan while the table grows, until an ANALYZE, or the end of the connection.
#
# What users of identity-link should do: nothing, its connections plan anew while tables grow. A service of their own
# that prepares its statements on a new database should send DISCARD PLANS, or ANALYZE its tables, after it has filled
# them; and can create the primary key last.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# As root, pgserver adds a system user of its own name, since Postgres does not run as root.
export XDG_RUNTIME_DIR=$folder
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pgserver==0.1.4

cat > run.py <<'PYTHON'
import pathlib
import re
import pgserver

server = pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
print("PostgreSQL", server.psql("SHOW server_version").split("\n")[2].strip().split(".")[0])
seen = server.psql(r"""
\set QUIET on
\pset tuples_only on
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
CREATE TABLE users (tenant text, id text, email text) WITH (autovacuum_enabled = off);
INSERT INTO users VALUES ('one', 'a', 'a@example.com'), ('one', 'b', 'b@example.com');
ALTER TABLE users ADD CONSTRAINT by_id PRIMARY KEY (tenant, id);
CREATE UNIQUE INDEX by_email ON users (tenant, email);
PREPARE look_up AS SELECT email FROM users WHERE tenant = $1 AND id = $2;
\echo ## new
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE look_up('one', 'a');
INSERT INTO users SELECT 'one', n::text, n || '@example.com' FROM generate_series(1, 50000) n;
\echo ## grown
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE look_up('one', 'a');
DISCARD PLANS;
\echo ## planned anew
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE look_up('one', 'a');
DEALLOCATE look_up;
TRUNCATE users;
INSERT INTO users VALUES ('one', 'a', 'a@example.com'), ('one', 'b', 'b@example.com');
ALTER TABLE users DROP CONSTRAINT by_id;
ALTER TABLE users ADD CONSTRAINT by_id PRIMARY KEY (tenant, id);
PREPARE look_up AS SELECT email FROM users WHERE tenant = $1 AND id = $2;
\echo ## with the primary key created last
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE look_up('one', 'a');
""")
for part in seen.split("## ")[1:]:
    index = re.search(r"using (\w+)", part).group(1)
    removed = re.search(r"Rows Removed by Filter: (\d+)", part)
    print(f"{part.splitlines()[0]}: {index}, compares {removed.group(1) if removed else 0} other rows")
PYTHON
venv/bin/python run.py > seen.txt

cat > expected.txt <<'TEXT'
PostgreSQL 16
new: by_email, compares 1 other rows
grown: by_email, compares 50001 other rows
planned anew: by_id, compares 0 other rows
with the primary key created last: by_id, compares 0 other rows
TEXT
cat seen.txt
diff expected.txt seen.txt
