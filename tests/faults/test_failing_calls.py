"""The n-th allocation or system call fails, for n = 1 and on: the next request
is served."""

import contextlib
import errno

import pytest

import admin
import figures
import processes
import wire
from conftest import wait_until
from failing import CALLS, NEXT_FORK, NEXT_PROGRAM, Failing
from upgrading import Upgrading

N_MAX = 1000
# Without memory, or without its channel, a worker ends.
ENDS_A_WORKER = ("malloc", "recvmsg")


@pytest.fixture
def failing(server):
    """One worker, with something to do for each function."""
    return start(server, "round_robin")


def start(server, policy):
    (server.folder / "file").write_bytes(b"x" * 100_000)
    server.write(f"""
        access_log {server.folder}/access.log combined buffer=256 flush=10ms;
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 "hello world\\n"; }}
            location /file {{ root {server.folder}; }}
            location /missing {{ root {server.folder}; }}
        }}""", main=f"worker_processes 1; scheduling_policy {policy};"
             "reload_timeout 2s;")
    server.may_alert = True
    one = Failing(server.folder)
    server.start(env=one.env)
    return one


# -- what is done meanwhile --------------------------------------------------------
# What comes of it is not judged, but it must come to an end.


def request(server, *arguments, **headers):
    """Two requests on one connection."""
    with contextlib.suppress(wire.Closed, ConnectionError), \
            server.connect() as client:
        client.request(*arguments, **headers)
        client.response()
        client.request()
        client.response()


def requests(server):
    request(server)
    request(server, "GET", "/file")
    request(server, "GET", "/missing")
    request(server, "POST", "/", b"x" * 50_000)
    request(server, "GET", "/file", range="bytes=5-9")


def replace_all(server):
    with contextlib.suppress(wire.Closed, ConnectionError):
        for worker in admin.workers(server):
            admin.ask(server, "POST", f"/v1/workers/{worker['id']}/replace")


def reload(server):
    with contextlib.suppress(wire.Closed, ConnectionError):
        answer = admin.ask(server, "POST", "/v1/reload")
        assert answer.status in (200, 422, 500), answer.body


def scale(server, count):
    with contextlib.suppress(wire.Closed, ConnectionError):
        admin.ask(server, "PATCH", "/v1/groups/main", {"processes": count})


def turn_over(server):
    """What a primary does: hand over, reload, scale, replace."""
    request(server)
    reload(server)
    scale(server, 2)
    replace_all(server)
    scale(server, 1)
    request(server)


def upgrade(server):
    old = server.primary
    if server.ctl("upgrade").returncode == 0:
        server.wait_primary(old)
        server.wait_gone(old)


# -- the loop ------------------------------------------------------------------------


def serves(server):
    try:
        return server.get().body == b"hello world\n" and \
            server.get("/file").body == b"x" * 100_000
    except (wire.Closed, ConnectionError):
        return False


def fail_each(server, failing, find_pid, call, error, do):
    """Let every n-th call fail while do(server) runs; how many calls there
    were, and how many processes ended by it."""
    ended = 0
    for n in range(1, N_MAX):
        pid = find_pid()
        with failing.armed(pid, call, error, n):
            do(server)
        if not failing.has_failed():
            return n - 1, ended
        if pid > 0 and not processes.is_alive(pid):
            ended += 1
            wait_until(server.workers, "a new worker")
        assert serves(server), f"{call} {n}: {errno.errorcode[error]}"
    pytest.fail(f"{call}: no end of calls")


def fail_all(server, failing, find_pid, do, spared=(), may_end=()):
    """The same for all calls; how often each was made. No descriptor may stay
    open behind a failure."""
    counts = {}
    do(server)
    before = processes.descriptors(server.pid)
    for call in (call for call in CALLS if call not in spared):
        for error in CALLS[call][:figures.rounds(1, 9)]:
            counts[call], ended = fail_each(
                server, failing, find_pid, call, error, do)
            assert ended == 0 or call in may_end, (call, ended)
            wait_until(lambda: processes.descriptors(server.pid) <= before,
                       f"descriptors to be {before} again after {call}")
    return counts


def show(case, counts):
    listed = ", ".join(f"{count} {call}" for call, count in counts.items()
                       if count > 0)
    figures.show(f"failing calls in {case}", f"served after each of {listed}")


# -- whose calls fail ------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_in_a_worker(server, policy):
    counts = fail_all(server, start(server, policy),
                      lambda: server.workers()[0], requests,
                      may_end=ENDS_A_WORKER)
    show(f"a worker, {policy}", counts)
    for call in ("open", "write", "recv", "send", "epoll_ctl"):
        assert counts[call] > 0
    assert (counts["accept"] > 0) == (policy == "shared")


def test_memory_of_a_worker_without_any(server, failing):
    """One that has just started has kept none of its own."""
    def find_new():
        replace_all(server)
        wait_until(lambda: len(server.workers()) == 1, "the old one to leave")
        return server.workers()[0]

    count, ended = fail_each(
        server, failing, find_new, "malloc", errno.ENOMEM, requests)
    figures.show("no memory in a worker",
                 f"served after each of {count}, {ended} workers replaced")
    assert count > 0


@pytest.mark.parametrize("who, do", [
    (lambda server: server.workers()[0], request),
    (lambda server: server.pid, reload),
], ids=["worker", "primary"])
def test_what_libevent_complains_of_is_in_the_log(server, failing, who, do):
    count, _ = fail_each(server, failing, lambda: who(server), "epoll_ctl",
                         errno.ENOMEM, do)
    assert count > 0
    assert ": libevent: Epoll " in server.log()
    assert "Epoll" not in server.printed()


def test_in_a_worker_that_starts(server, failing):
    counts = fail_all(server, failing, lambda: NEXT_FORK, replace_all)
    show("a worker that starts", counts)
    assert counts["malloc"] > 0


def test_in_a_template_that_loads(server, failing):
    counts = fail_all(server, failing, lambda: NEXT_PROGRAM, reload)
    show("a template that loads", counts)
    assert counts["malloc"] > 100


def test_in_the_primary(server, failing):
    """Only its memory it cannot do without."""
    counts = fail_all(server, failing, lambda: server.pid, turn_over,
                      spared=["malloc"])
    show("the primary", counts)
    assert counts["sendmsg"] > 10


def test_in_a_new_primary(tmp_path):
    """It takes over and serves, or the old one goes on."""
    server = Upgrading(tmp_path)
    try:
        failing = start(server, "round_robin")
        # Others may leave it without its admin socket, or without knowing where
        # its binary is: it serves, but the next upgrade cannot be asked for.
        calls = ["epoll_ctl", "setsockopt", "memfd"]
        calls += figures.rounds([], ["sendmsg", "fcntl", "epoll_wait"])
        counts = {call: fail_each(server, failing, lambda: NEXT_PROGRAM, call,
                                  CALLS[call][0], upgrade)[0]
                  for call in calls}
    finally:
        server.stop()
    show("a new primary", counts)
    assert counts["epoll_ctl"] > 5
