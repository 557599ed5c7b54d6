"""The load: wrk to measure time, h2load for an exact number of requests."""

from __future__ import annotations

import dataclasses
import re
import subprocess

from lab import HERE, Lab
from processes import BenchError

PIPELINE_DEPTH = 16
LIMIT_SECONDS = 600.0  # of one run; h2load waits for a server for ever


@dataclasses.dataclass(frozen=True)
class Load:
    """What a load generator does."""

    connections: int = 64
    path: str = "/"
    close: bool = False  # ask for Connection: close
    pipeline: bool = False  # PIPELINE_DEPTH requests at a time
    headers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What wrk saw in one run."""

    requests: int
    rate: float  # requests per second
    losses: int  # socket errors and answers other than 2xx and 3xx


def run(lab: Lab, command: list[str]) -> str:
    """Run a load generator on its core, and return what it printed."""
    try:
        done = subprocess.run(
            ["taskset", "-c", str(lab.load_cpu), *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(
            f"{' '.join(command)} had not ended after {LIMIT_SECONDS:.0f} s"
        ) from error
    if done.returncode != 0:
        text = (done.stdout + done.stderr).strip()
        raise BenchError(f"{' '.join(command)} failed: {text}")
    return done.stdout


def run_wrk(lab: Lab, load: Load, url: str, seconds: int) -> Outcome:
    """Load a server for some seconds."""
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s"]
    headers = list(load.headers)
    if load.close:
        headers.append("Connection: close")
    for header in headers:
        command += ["-H", header]
    if load.pipeline:
        command += ["-s", str(HERE / "wrk" / "pipeline.lua")]
    return parse_wrk(run(lab, [*command, url]))


def parse_wrk(text: str) -> Outcome:
    """Read wrk's report."""
    requests = re.search(r"(\d+) requests in ", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if requests is None or rate is None:
        raise BenchError(f"wrk said something unexpected:\n{text}")
    losses = 0
    for line in text.splitlines():
        if "Socket errors:" in line or "Non-2xx or 3xx" in line:
            counts = line.partition(":")[2]
            losses += sum(int(number) for number in re.findall(r"\d+", counts))
    return Outcome(int(requests.group(1)), float(rate.group(1)), losses)


def run_h2load(lab: Lab, load: Load, url: str, requests: int) -> None:
    """Send exactly this many requests, and see each answered."""
    command = ["h2load", "--h1", "-t1", f"-c{load.connections}"]
    command += [f"-n{requests}", f"-m{PIPELINE_DEPTH if load.pipeline else 1}"]
    for header in load.headers:
        command += ["-H", header]
    text = run(lab, [*command, url])
    succeeded = re.search(r"(\d+) succeeded", text)
    if succeeded is None or int(succeeded.group(1)) != requests:
        raise BenchError(f"h2load lost requests:\n{text.strip()}")
