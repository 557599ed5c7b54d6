"""Secrets that workers ask their primary for: the same in all of them, whoever
comes and goes, rotated in time."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal

import pytest

from cluster import WORKER, Worker, make_primary, primary

CURRENT, PREVIOUS, NEXT = range(3)
SIZE_MAX = 256  # COHORT_SECRET_SIZE_MAX
SHOWN = 180  # digits


@dataclasses.dataclass(frozen=True)
class Secret:
    current: str
    previous: str
    next: str


def ask(worker: Worker, name: str = "tickets", size: int = 80,
        seconds: int = 0) -> str:
    """The index."""
    return worker.ask(f"secret {name} {size} {seconds}", r"secret (\d+)")[1]


def reveal(worker: Worker, index: str, age: int = CURRENT) -> str:
    return worker.ask(f"reveal {index} {age}", r"is (.*)\"")[1]


def look(worker: Worker, index: str) -> Secret:
    """All of it at one moment: none of them has changed meanwhile."""
    while True:
        current = reveal(worker, index)
        seen = Secret(
            current, reveal(worker, index, PREVIOUS),
            reveal(worker, index, NEXT))
        if reveal(worker, index) == current:
            return seen


@pytest.mark.quick
def test_all_workers_have_the_same_secret_also_one_that_comes_later(primary):
    first, second = primary.fork(), primary.fork()
    seen = {look(worker, ask(worker)) for worker in (first, second)}
    assert len(seen) == 1
    one = seen.pop()
    assert len({one.current, one.previous, one.next}) == 3
    # 80 bytes, random, and no more.
    assert len(one.current) == SHOWN
    assert one.current.endswith("00" * 10)
    assert len({one.current[i:i + 2] for i in range(0, 160, 2)}) > 20
    later = primary.fork()
    assert look(later, ask(later)) == one


@pytest.mark.quick
def test_it_stays_while_workers_come_and_go(primary):
    before = None
    for round in range(3):
        worker = primary.fork()
        seen = look(worker, ask(worker))
        assert before in (None, seen)
        before = seen
        if round == 0:
            worker.tell("disconnect")
        else:
            os.kill(worker.pid, signal.SIGKILL)
        primary.wait(rf"^cluster exit {worker.id}")


def test_all_see_it_rotate_at_once_also_one_that_comes_later(primary):
    workers = {worker: ask(worker, seconds=2)
               for worker in (primary.fork(), primary.fork())}
    seen = [look(*one) for one in list(workers.items())[:1]]
    while len(seen) < 4:
        for worker, index in workers.items():
            secret = look(worker, index)
            if secret != seen[-1]:
                # Nobody has ever an older one than another had before.
                assert secret not in seen
                assert secret.previous == seen[-1].current
                assert secret.current == seen[-1].next
                seen.append(secret)
        if len(seen) == 2 and len(workers) == 2:
            later = primary.fork()
            workers[later] = ask(later, seconds=2)
    assert len(workers) == 3


@pytest.mark.quick
def test_names_and_sizes_tell_secrets_apart(primary):
    worker = primary.fork()
    indexes = [ask(worker, *what) for what in [
        ("a", 32), ("b", 32), ("a", 48), ("a", 32)]]
    assert len(set(indexes)) == 4
    values = [reveal(worker, index)[:64] for index in indexes]
    assert len(set(values)) == 3 and values[0] == values[3]


@pytest.mark.quick
def test_two_primaries_have_different_secrets(make_primary):
    workers = [make_primary().fork() for _ in range(2)]
    assert len({look(worker, ask(worker)) for worker in workers}) == 2


@pytest.mark.quick
def test_what_cannot_be_is_refused(primary):
    worker = primary.fork()
    for what in (f"a {SIZE_MAX + 1} 0", "a 0 0", "a" * 64 + " 32 0",
                 f"a 32 {2 ** 63}"):
        worker.ask(f"secret {what}", "secret refused: Invalid argument")
    for number in range(16):
        ask(worker, f"n{number}")
    worker.ask("secret more 32 0", "secret refused: No space left")
    worker.ask("reveal 0 0", "is No such file")
    # What was asked is there.
    assert len(reveal(worker, ask(primary.fork(), "n15"))) == SHOWN


@pytest.mark.quick
def test_the_primary_makes_no_more_than_64(primary):
    for _ in range(4):
        worker = primary.fork()
        for number in range(16):
            index = ask(worker, f"w{worker.id}n{number}")
        assert len(reveal(worker, index)) == SHOWN
    last = primary.fork()
    assert "No space left" in reveal(last, ask(last, "one-more"))
    # And is well.
    assert len(reveal(last, ask(last, "w1n0"))) == SHOWN


@pytest.mark.quick
def test_workers_can_only_read_it(primary):
    worker = primary.fork()
    reveal(worker, ask(worker))
    maps = pathlib.Path(f"/proc/{worker.pid}/maps").read_text("utf-8")
    found = [line for line in maps.splitlines() if "cohort-secret" in line]
    assert found and all(line.split()[1] == "r--s" for line in found)
