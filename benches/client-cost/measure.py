"""Measures what our clients cost over the bare generated stubs: `just client-cost`.

One program per language calls GetUser with 8 callers at once, by our client or by the stub of the same gRPC library, with
the same token, deadline, messages and server. The arms take turns within one process, so that both have the same state of the
compiler, the collector and the machine. A round is the CPU (user and system) of the program for one arm, divided by that
of the other arm for as many calls right behind it. The kernel counts it in nanoseconds, in /proc/PID/task/TID/schedstat.

    python3 benches/client-cost/measure.py [--rounds 9] [--calls 4000] [--server FILE] [LANGUAGE…]

It needs go, node with npm, java with mvn, and cargo on the search path, and the libraries of the Python client where Python
finds them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path("benches/client-cost")
OUT = Path("target/client-cost").resolve()
USER_ID = "google-oauth2|115015401343387192604"
#: The ratio that the client should not exceed.
TARGET = 1.10


def run(*command: str, at: Path = Path()) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, cwd=at, check=True, stdout=sys.stderr)


def rust() -> list[str]:
    run("cargo", "build", "--quiet", "--release", "--package", "identity-link-client", "--example", "client-cost")
    return ["target/release/examples/client-cost"]


def go() -> list[str]:
    run("go", "build", "-o", str(OUT / "go"), ".", at=HERE / "go")
    return [str(OUT / "go")]


def node() -> list[str]:
    package = Path("clients/node")
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", at=package)
    run("npm", "run", "--silent", "build", at=package)
    # A program inside of the package finds it by its name.
    (package / "build").mkdir(exist_ok=True)
    shutil.copy(HERE / "node" / "caller.mjs", package / "build")
    return ["node", "clients/node/build/caller.mjs"]


def java() -> list[str]:
    package = Path("clients/java")
    run("mvn", "--batch-mode", "--quiet", "package", "-DskipTests", at=package)
    libraries = (package / "target" / "classpath.txt").read_text(encoding="utf-8").strip()
    class_path = os.pathsep.join([str(OUT), str(package / "target" / "classes"), libraries])
    run("javac", "-cp", class_path, "-d", str(OUT), str(HERE / "java" / "Caller.java"))
    return ["java", "-cp", class_path, "Caller"]


def python() -> list[str]:
    return [sys.executable, str(HERE / "caller.py")]


#: How the program of each client is built, and what its command ends with.
PROGRAMS = {
    "Rust": (rust, []),
    "Go": (go, []),
    "Python, threads": (python, ["threads"]),
    "Python, asyncio": (python, ["asyncio"]),
    "Node.js": (node, []),
    "Java": (java, []),
}


class Program:
    """A running program of one language."""

    def __init__(self, command: list[str]) -> None:
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(["clients/python/src", environment.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def cpu(self) -> float:
        """Return the microseconds of CPU so far, of user and system, of all threads."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text(encoding="utf-8").split()[0]) for thread in threads) / 1000

    def measure(self, arm: str, calls: int) -> float:
        """Make so many calls. Returns the microseconds of CPU for each."""
        before = self.cpu()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{arm} {calls}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            raise SystemExit("the program of this language has failed: its message is above")
        return (self.cpu() - before) / calls

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


def measured(program: Program, rounds: int, calls: int) -> tuple[list[float], list[float], list[float]]:
    """Return the ratio of each round, and the CPU per call of both arms in microseconds."""
    # Both arms are warm before a round counts.
    for arm in ("stub", "client"):
        program.measure(arm, 2 * calls)
    ratios, ours, bare = [], [], []
    for at in range(rounds):
        # The arm that begins changes, since what one leaves behind is collected in the other.
        order = ("client", "stub") if at % 2 == 0 else ("stub", "client")
        took = {arm: program.measure(arm, calls) for arm in order}
        ratios.append(took["client"] / took["stub"])
        ours.append(took["client"])
        bare.append(took["stub"])
    return ratios, ours, bare


def main() -> None:
    options = argparse.ArgumentParser(description="Measures what our clients cost over the bare generated stubs")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--calls", type=int, default=4000, help="of each arm in a round")
    options.add_argument("--server", help="a build of the service with `dev`; made by cargo if absent")
    options.add_argument("languages", nargs="*", default=list(PROGRAMS), help=", ".join(PROGRAMS))
    chosen = options.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    if chosen.server is None:
        run("cargo", "build", "--quiet", "--release")
        chosen.server = "target/release/identity-link"
    commands = {name: PROGRAMS[name][0]() for name in chosen.languages}

    with tempfile.TemporaryDirectory() as folder:
        # Postgres runs as another user, who enters the folder.
        Path(folder).chmod(0o755)
        data = str(Path(folder, "data"))
        listen = ["--listen", "127.0.0.1:0", "--no-demo", "--sample", "--data-dir", data]
        command = [chosen.server, "dev", *listen]
        # It logs each call.
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = serving(server)
            token = Path(folder, "token")
            made = [chosen.server, "token", "--service", "client-cost", "--ttl", "12h"]
            token.write_text(subprocess.check_output([*made, "--data-dir", data], text=True), encoding="utf-8")
            print("| client | CPU per call, µs | the bare stub, µs | ratio | range |\n| --- | --- | --- | --- | --- |")
            for name, command in commands.items():
                program = Program([*command, address, str(token), USER_ID, *PROGRAMS[name][1]])
                ratios, ours, bare = measured(program, chosen.rounds, chosen.calls)
                program.end()
                ratio = statistics.median(ratios)
                missed = "" if ratio <= TARGET else f", above {TARGET:.2f}"
                print(
                    f"| {name} | {statistics.median(ours):.0f} | {statistics.median(bare):.0f} | {ratio:.2f}{missed} "
                    f"| {min(ratios):.2f} to {max(ratios):.2f} |",
                    flush=True,
                )
        finally:
            server.terminate()
            server.wait()


def serving(server: subprocess.Popen[str]) -> str:
    """Return the address at which the server listens, once it does."""
    assert server.stdout is not None
    address = ""
    for line in server.stdout:
        if line.startswith("identity-link serves gRPC on "):
            address = line.split()[4].removeprefix("http://").rstrip(",.;")
        if line.startswith("Ctrl-C"):
            return address
    raise SystemExit("the server has ended")


if __name__ == "__main__":
    main()
