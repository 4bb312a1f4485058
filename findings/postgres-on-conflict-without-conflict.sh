#!/usr/bin/env bash
# PostgreSQL 16 (pgserver 0.1.4 from PyPI): ON CONFLICT DO NOTHING looks each row up in every unique index before it
# inserts it, and writes one more record to the log, also when no row conflicts.
#
# A unique index finds a duplicate when the row's entry goes in. So one expects that ON CONFLICT DO NOTHING only changes
# what happens then, and costs nothing for rows that are new: many bulk loads have it "to be safe". But
#   - PostgreSQL first searches every unique index for the row, and searches again to insert it. The searches count as
#     scans of the index, so an index that no query uses is not found by idx_scan = 0;
#   - the row is inserted "speculatively", and a record of the log confirms it afterwards.
# Named columns, as in ON CONFLICT (id), leave the searches to that index alone, and the record stays.
#
# What users of identity-link should do: nothing, its import inserts without it, a fifth faster, and repeats a batch in
# which a row was there already. A bulk load of one's own should do the same where conflicts are rare.
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

ROWS = 1000
server = pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")


def value(sql):
    return server.psql(sql).split("\n")[2].strip()


def records():
    """How many records the log has got, by all sessions: the server has no other one."""
    server.psql("SELECT pg_stat_force_next_flush()")
    return int(value("SELECT wal_records FROM pg_stat_wal"))


print("PostgreSQL", value("SHOW server_version").split(".")[0])
for clause in ["", "ON CONFLICT DO NOTHING", "ON CONFLICT (id) DO NOTHING"]:
    server.psql("CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE, phone text UNIQUE)")
    begin = records()
    inserted = server.psql(
        f"INSERT INTO users SELECT n, 'e' || n, 'p' || n FROM generate_series(1, {ROWS}) n {clause}"
    )
    assert f"INSERT 0 {ROWS}" in inserted, inserted
    # Some more are for split pages.
    for_each_row = (records() - begin) // ROWS
    scans = [
        value(f"SELECT pg_stat_get_numscans('users_{index}'::regclass)")
        for index in ("pkey", "email_key", "phone_key")
    ]
    server.psql("DROP TABLE users")
    print(f"{clause or 'without a clause'}: scans of the indexes {' '.join(scans)}, records for each row {for_each_row}")
PYTHON
venv/bin/python run.py > seen.txt

cat > expected.txt <<'TEXT'
PostgreSQL 16
without a clause: scans of the indexes 0 0 0, records for each row 4
ON CONFLICT DO NOTHING: scans of the indexes 1000 1000 1000, records for each row 5
ON CONFLICT (id) DO NOTHING: scans of the indexes 1000 0 0, records for each row 5
TEXT
cat seen.txt
diff expected.txt seen.txt
