"""Writes what the clients have of the contract: messages, rpcs, an error for each reason.

    python3 clients/generate            writes the files
    python3 clients/generate --check    fails if a file is not as it would be written

Run it from the root of the repository, with grpcio-tools of clients/python/requirements.txt, with Go, with rustfmt and
with protoc-gen-es of clients/node/package-lock.json.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import contract
import golang
import java
import node
import python
import rust

#: The folder that a language's files are written below.
FOLDERS = {
    Path("clients/python/src"): python.write,
    Path("clients/go"): golang.write,
    Path("clients/rust/src"): rust.write,
    Path("clients/node/src"): node.write,
    Path("clients/java/src/main/java"): java.write,
}


def main() -> None:
    """Write the files, or compare them."""
    read = contract.read()
    if sys.argv[1:] != ["--check"]:
        for folder, write in FOLDERS.items():
            write(read, folder)
        return
    stale = []
    for folder, write in FOLDERS.items():
        with tempfile.TemporaryDirectory() as scratch:
            write(read, Path(scratch))
            for path in sorted(Path(scratch).rglob("*")):
                kept = folder / path.relative_to(scratch)
                if path.is_file() and (not kept.is_file() or kept.read_bytes() != path.read_bytes()):
                    stale.append(str(kept))
    if stale:
        raise SystemExit(f"not as the protos have it; run `just clients`: {', '.join(stale)}")


main()
