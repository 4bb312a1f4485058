#!/usr/bin/env bash
# PostgreSQL 16 (pgserver 0.1.4 from PyPI): a CHECK by a regular expression with the bound {1,255} takes many times as
# long as the same CHECK by a length and an expression without a bound.
#
# Whether a text has 1 to 255 printable characters is one short pattern, `^[\x21-\x7e]{1,255}$`, and such a CHECK on a
# key of 36 characters should cost about nothing beside the write of the row, one expects. But the engine unfolds the
# bound into hundreds of states, and builds the automaton for them anew at each execution. PostgreSQL checks every
# CHECK of a table at every UPDATE, also one of other columns, so each write of such a row pays for it.
#
# What users of identity-link should do: nothing, its schema checks the length by octet_length(). A service that keeps
# user ids in a table of its own, with a CHECK of their form, should do the same.
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
import pgserver

server = pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
print("PostgreSQL", server.psql("SHOW server_version").split("\n")[2].strip().split(".")[0])
# The median of nine rounds of each, in turns. Both say the same of every text.
seen = server.psql(r"""
CREATE FUNCTION bounded(id text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
  $$ SELECT id ~ '^[\x21-\x7e]{1,255}$' $$;
CREATE FUNCTION unbounded(id text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
  $$ SELECT octet_length(id) BETWEEN 1 AND 255 AND id ~ '^[\x21-\x7e]+$' $$;
CREATE TABLE ids AS SELECT 'usr_' || md5(n::text) AS id FROM generate_series(1, 3000) n;
INSERT INTO ids VALUES (''), (repeat('x', 255)), (repeat('x', 256)), ('a b');
CREATE TABLE rounds (form text, took double precision);
DO $$ DECLARE begun timestamptz; BEGIN
  FOR round IN 1..9 LOOP
    begun := clock_timestamp();
    PERFORM count(*) FROM ids WHERE bounded(id);
    INSERT INTO rounds SELECT 'bounded', extract(epoch FROM clock_timestamp() - begun);
    begun := clock_timestamp();
    PERFORM count(*) FROM ids WHERE unbounded(id);
    INSERT INTO rounds SELECT 'unbounded', extract(epoch FROM clock_timestamp() - begun);
  END LOOP;
END $$;
SELECT count(*) FILTER (WHERE bounded(id) <> unbounded(id)) || ' differ' FROM ids;
SELECT CASE WHEN ratio > 5 THEN 'more than 5 times as long' ELSE 'ratio ' || ratio END FROM (
  SELECT (percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE form = 'bounded'))
    / (percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE form = 'unbounded')) AS ratio FROM rounds) r;
""")
print("\n".join(line.strip() for line in seen.split("\n") if "differ" in line or "times" in line or "ratio " in line))
PYTHON
venv/bin/python run.py > seen.txt

cat > expected.txt <<'TEXT'
PostgreSQL 16
0 differ
more than 5 times as long
TEXT
cat seen.txt
diff expected.txt seen.txt
