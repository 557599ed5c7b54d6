"""Mixed chaos under load: nothing is lost but what dies with a worker, nothing
at all by upgrades, and nothing grows."""

import os
import statistics
import time
from functools import partial

import pytest

import admin
import figures
import inside
import processes
from chaos import Chaos
from conftest import wait_until
from counting import POLICIES, Counting, assert_nothing_lost, write_hello
from killing import Kills
from moves import Moves
from upgrading import Upgrading

DURATION = int(os.environ.get("COHORT_SOAK", figures.rounds(6, 60)))  # seconds
WORKERS = 3
SAMPLES = 12 if DURATION >= 60 else 3
LOAD = {"keep": 8, "close": 4, "late": 8, "pause": 10}
CLIENTS = 20


class Growth:
    """Memory and descriptors of one process, from time to time."""

    def __init__(self, name):
        self.name = name
        self.memory, self.descriptors = [], []

    def sample(self, pid):
        self.memory.append(inside.memory_kib(pid))
        self.descriptors.append(processes.descriptors(pid))

    def assert_flat(self):
        """The end against the middle: at first it all comes."""
        third = len(self.memory) // 3
        middle, end = (statistics.median(self.memory[third:2 * third]),
                       statistics.median(self.memory[2 * third:]))
        figures.show(f"{DURATION} s of chaos", f"{self.name}:"
                     f" {self.memory[0]}, {middle:.0f}, {end:.0f} KiB at the"
                     f" beginning, in the middle, at the end;"
                     f" {self.descriptors[0]}, {self.descriptors[-1]} open"
                     " descriptors first and last")
        # What is kept of the last thousand events comes in the first minute.
        assert DURATION < 60 or end <= middle * 1.05 + 128, \
            f"{self.name}: {self.memory}"
        # Those of clients are among them, who come and go.
        assert max(self.descriptors) <= min(self.descriptors) + CLIENTS, \
            self.descriptors


def write_logged(server, policy=POLICIES[0], more=""):
    write_hello(server,
                f"worker_processes {WORKERS}; scheduling_policy {policy};{more}",
                f"access_log {server.folder}/access.log combined;")


def started(server):
    write_logged(server)
    server.start()
    wait_until(lambda: len(server.workers()) == WORKERS, "all workers")
    return server


@pytest.fixture
def moving(tmp_path):
    folder = tmp_path / "moving"
    folder.mkdir()
    one = Upgrading(folder)
    yield one
    one.stop()


@pytest.mark.timeout(2 * DURATION + 300)
def test_chaos_beside_calm(make_server, moving):
    """One server is harmed, one is replaced by another one all the time; the
    third one only serves, so that its workers live as long as the test."""
    wild, calm = started(make_server()), started(make_server())
    wild.may_alert = True
    chaos = Chaos(wild, partial(write_logged, wild), WORKERS, seed=DURATION)
    moves = Moves(started(moving), partial(write_logged, moving), WORKERS,
                  seed=DURATION)
    moving.may_alert = True  # of binaries that were none
    primary, helper = Growth("primary under chaos"), Growth("calm helper")
    newest = Growth("a new primary")
    workers = {pid: Growth(f"calm worker {pid}") for pid in calm.workers()}
    calm_primary = Growth("calm primary")
    admin.get(calm, "/v1/status")  # the helper is there, too
    calm_helper = processes.children(calm.pid, "cohort: admin")[0]
    with Counting(wild, **LOAD) as on_wild, Counting(calm, **LOAD) as on_calm, \
            Counting(moving, **LOAD) as on_moving:
        chaos.kills = Kills(wild.port, on_wild)
        for _ in range(SAMPLES):
            end = time.monotonic() + DURATION / SAMPLES
            while time.monotonic() < end:
                chaos.act()
                on_wild.wait_more(20)
                moves.act()
                on_moving.wait_more(20)
                admin.get(calm, "/v1/status")
            chaos.settle()
            moves.settle()
            primary.sample(wild.pid)
            newest.sample(moving.primary)
            calm_primary.sample(calm.pid)
            helper.sample(calm_helper)
            for pid, growth in workers.items():
                growth.sample(pid)
        tally = on_wild.stop(f"{DURATION} s of chaos")
        assert_nothing_lost(on_moving.stop(f"{DURATION} s of moves"))
        assert_nothing_lost(on_calm.stop(f"{DURATION} s of calm"))
    figures.show(f"{DURATION} s of chaos",
                 f"{chaos.kills.within} connections inside killed workers;"
                 f" {dict(chaos.done)}, {dict(moves.done)}")
    chaos.assert_accounts_for(tally)
    for growth in (primary, newest, calm_primary, helper, *workers.values()):
        growth.assert_flat()
