"""Where everything is: programs, directories, ports, cores."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path

from processes import free_ports

HERE = Path(__file__).resolve().parent
FILE_NAME = "4k.bin"
FILE_SIZE = 4096

# Where the Debian packages have the peers' programs, below /usr.
BINARIES = {
    "nginx": "sbin/nginx",
    "h2o": "bin/h2o",
    "haproxy": "sbin/haproxy",
    "lighttpd": "sbin/lighttpd",
    "caddy": "bin/caddy",
    "node": "bin/node",
    "node-cluster": "bin/node",
}


@dataclasses.dataclass
class Lab:
    """Where everything is, and which core does what."""

    build: Path
    cohort: Path
    server_cpu: int
    load_cpu: int

    def __post_init__(self) -> None:
        self.work = self.build / "bench"
        self.root = self.work / "root"
        self.peers = self.build / "peers"
        self.ports = free_ports()
        self.runs = 0
        (self.root / "files").mkdir(parents=True, exist_ok=True)
        (self.root / "hello.txt").write_text("hello world\n", "ascii")
        (self.root / "files" / FILE_NAME).write_bytes(b"x" * FILE_SIZE)

    def binary(self, kind: str) -> Path | None:
        """The program of a kind of server, or None if it is not there."""
        if kind == "cohort":
            return self.cohort if self.cohort.exists() else None
        if kind == "limit":
            return self.work / "limit"
        unpacked = self.peers / "usr" / BINARIES[kind]
        if unpacked.exists():
            return unpacked
        name = Path(BINARIES[kind]).name
        search = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        found = shutil.which(name, path=search)
        return Path(found) if found else None

    def environment(self) -> dict[str, str]:
        """Where unpacked programs find their unpacked libraries."""
        libraries = [
            str(path) for path in self.peers.glob("usr/lib/*-linux-*")
        ]
        return {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}

    def new_directory(self, name: str) -> Path:
        """An empty directory for one run of one server."""
        self.runs += 1
        label = re.sub(r"\W+", "-", name)
        directory = self.work / "run" / f"{self.runs}-{label}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        return directory

    def build_limit(self) -> None:
        """Compile limit.c."""
        target = self.work / "limit"
        compiler = os.environ.get("CC", "cc").split()
        flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O2"]
        source = str(HERE / "limit.c")
        subprocess.run(
            [*compiler, *flags, "-o", str(target), source], check=True
        )


def version(lab: Lab, kind: str) -> str:
    """The version a server gives of itself; empty if it is not there."""
    binary = lab.binary(kind)
    if binary is None:
        return ""
    if kind == "limit":
        return "benchmarks/limit.c"
    flag = {"caddy": "version", "node": "--version", "node-cluster": "-v"}
    done = subprocess.run(
        [str(binary), flag.get(kind, "-v")],
        env={**os.environ, **lab.environment()},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    found = re.search(r"\d+\.\d+[\w.-]*", done.stdout + done.stderr)
    return found.group(0) if found else "unknown"
