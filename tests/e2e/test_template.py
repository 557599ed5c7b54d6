"""Whatever happens to the process that workers are forked from, they are
replaced, and nobody waits for it for ever."""

import contextlib
import os
import pathlib
import resource
import signal

import pytest

import processes
from conftest import wait_until


@contextlib.contextmanager
def _starved(pid, free):
    """The process can have so many descriptors more, and no other ones."""
    taken = {int(entry.name)
             for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    limit = 0
    while len(set(range(limit)) - taken) < free or limit < 3:
        limit += 1
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _zombies(pid):
    return [child for child in processes.descendants(pid)
            if processes.parent(child) == pid and
            not processes.is_alive(child)]


def _another(server, workers):
    """They have been replaced."""
    wait_until(lambda: len(server.workers()) == len(workers) and
               not set(workers) & set(server.workers()), "new workers")
    assert server.get().status == 200


# --- without descriptors --------------------------------------------------------


@pytest.mark.parametrize("free", range(8))
def test_a_worker_that_dies_in_want_of_descriptors_is_replaced_after_it(
        server, free):
    """Its channel, the request for it, the answer: each may fail alone."""
    server.write(main="worker_processes 1;")
    server.start()
    server.may_alert = True
    before, templates = server.workers(), server.templates()
    with _starved(server.pid, free):
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: "Too many open files" in server.log() or
                   server.workers() not in ([], before),
                   "a failure, or another worker")
    _another(server, before)
    assert server.templates() == templates, server.log()
    wait_until(lambda: not _zombies(server.pid), "all to be reaped")
