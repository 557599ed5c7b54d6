"""Secrets that a service declares: the same in all workers, over generations,
rotated in time, and nowhere to be read."""

import dataclasses
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

import admin
import processes
from conftest import PATIENCE, wait_until
from programs import BUILD, Program


@dataclasses.dataclass(frozen=True)
class Secret:
    """What a worker has read."""
    current: bytes
    previous: bytes
    next: bytes


def ask(port: int) -> tuple[int, Secret]:
    """Which worker answers, and its secret."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        words = client.makefile("rb").read().split()
    values = [bytes.fromhex(word.decode()) for word in words[1:]]
    assert [len(value) for value in values] == [80, 80, 80]
    return int(words[0]), Secret(*values)


def all_secrets(program, count: int) -> set[Secret]:
    """Of that many workers."""
    answers: dict[int, Secret] = {}

    def has_all() -> bool:
        worker, secret = ask(program.port)
        answers[worker] = secret
        return len(answers) == count

    wait_until(has_all, f"answers of {count} workers")
    return set(answers.values())


class Rotations:
    """Of a secret that rotates each second, and that is read all the time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.workers: set[int] = set()
        self.followed = 0
        self._looked = time.monotonic()
        self._seen = [ask(port)[1]]

    def look(self) -> int:
        """How many have been followed so far, from one value to the next."""
        before, last = self._looked, self._seen[-1]
        self._looked = time.monotonic()
        worker, secret = ask(self.port)
        self.workers.add(worker)
        if secret.current == last.current:
            return self.followed
        # Nobody has ever an older one than another had before.
        assert secret.current not in [one.current for one in self._seen]
        if time.monotonic() - before < 0.9:  # else one may have been missed
            assert secret.previous == last.current
            assert secret.current == last.next
            self.followed += 1
        self._seen.append(secret)
        return self.followed


@pytest.fixture
def program(tmp_path, free_port):
    """The secret rotates after 12 hours."""
    with Program("service", tmp_path, free_port()) as one:
        yield one


@pytest.mark.quick
def test_all_workers_have_the_same_secret(program):
    secrets = all_secrets(program, 2)
    assert len(secrets) == 1
    one = secrets.pop()
    assert len({one.current, one.previous, one.next}) == 3
    assert all(len(set(value)) > 20 for value in dataclasses.astuple(one))


@pytest.mark.quick
def test_it_stays_over_generations_deaths_and_scaling(program):
    _, before = ask(program.port)
    assert admin.ask(program, "POST", "/v1/reload").status == 200
    wait_until(lambda: len(admin.workers(program)) == 2, "old workers to leave")
    answers = {ask(program.port) for _ in range(4)}
    assert {worker for worker, _ in answers} == {3, 4}
    assert {secret for _, secret in answers} == {before}
    os.kill(program.workers()[0], signal.SIGKILL)
    assert admin.ask(program, "PATCH", "/v1/groups/main",
                     {"processes": 4}).status == 200
    assert all_secrets(program, 4) == {before}


def test_it_rotates_in_all_workers_at_once(tmp_path, free_port):
    with Program("service", tmp_path, free_port(), "1", "3") as program:
        rotations = Rotations(program.port)
        wait_until(lambda: rotations.look() >= 3, "3 rotations")
        assert rotations.workers == {1, 2, 3}


@pytest.mark.quick
def test_two_servers_have_different_secrets(program, tmp_path_factory, free_port):
    with Program("service", tmp_path_factory.mktemp("other"),
                 free_port()) as other:
        assert ask(program.port)[1].current != ask(other.port)[1].current


@pytest.mark.quick
def test_workers_can_only_read_it(program):
    """So one that was taken over cannot choose keys for the others."""
    for pid in program.workers():
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
        found = [line for line in maps.splitlines() if "cohort-secret" in line]
        assert found and all(line.split()[1] == "r--s" for line in found)
    # No other process of ours has it at all but the primary.
    for pid in processes.children(program.pid):
        if pid not in program.workers():
            maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
            assert "cohort-secret" not in maps


@pytest.mark.quick
def test_nothing_tells_it(program):
    _, secret = ask(program.port)
    admin.ask(program, "POST", "/v1/reload")
    told = program.printed()
    for path in ("/v1/status", "/v1/config", "/v1/workers", "/metrics"):
        told += admin.ask(program, "GET", path).body.decode()
    for value in dataclasses.astuple(secret):
        assert value.hex()[:32] not in told


@pytest.mark.quick
def test_one_process_makes_its_own(tmp_path, free_port):
    port = free_port()
    process = subprocess.Popen(
        [str(BUILD / "tests" / "embed" / "service"), str(port),
         str(tmp_path / "sock"), "1", "0"], cwd=tmp_path,
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def answers() -> bool:
            try:
                ask(port)
            except OSError:
                return False
            return True

        wait_until(answers, "the process to serve")
        rotations = Rotations(port)
        wait_until(lambda: rotations.look() >= 1, "a rotation")
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.quick
def test_a_service_without_http_takes_messages(program):
    with admin.Events(program) as events:
        assert admin.ask(program, "POST", "/v1/workers/2/messages",
                         {"a": 1}).status == 202
        told = events.until("message")[-1]
    assert (told["worker"], told["message"]) == (2, {"a": 1})


def test_an_upgrade_keeps_it(program):
    _, before = ask(program.port)
    assert admin.ask(program, "POST", "/v1/upgrade").status == 200
    wait_until(lambda: program.process.poll() == 0, "the old primary to leave")
    pid = admin.get(program, "/v1/status")["pid"]
    try:
        assert pid != program.pid
        worker, secret = ask(program.port)
        assert worker > 2
        assert secret == before
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not processes.is_alive(pid), "the new one to leave")
