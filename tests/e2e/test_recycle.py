"""Workers over a limit are replaced: another one serves first, one at a time,
and no request is lost."""

import re

import pytest

import admin
import load
from conftest import IS_SANITIZED, wait_until
from trouble import trouble  # noqa: F401

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]


def _exits(events, count):
    """The exits among the events, until count of them have come; and all."""
    seen = []
    while sum(event["event"] == "exit" for event in seen) < count:
        seen.append(events.next())
    return seen


@pytest.mark.parametrize("policy", POLICIES)
def test_max_requests_replaces_workers_under_load_and_loses_nothing(
        server, policy):
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;"
                 "max_requests 300;")
    server.start()
    with admin.Events(server) as events, load.Load(server.port, 4) as run:
        seen = _exits(events, 4)
        tally = run.stop()
    print(f"{len(tally.lost)} of {tally.answered} requests lost")
    assert not tally.lost
    exits = [event for event in seen if event["event"] == "exit"]
    assert {event["reason"] for event in exits} == {"recycled"}
    assert all(event["exitedAfterDisconnect"] for event in exits)
    assert all(event["code"] == 0 for event in exits)
    assert re.search(r"worker 1 \(process \d+\) is replaced: it has served "
                     r"\d+ requests, and max_requests is 300", server.log())


@pytest.mark.quick
def test_one_at_a_time_and_the_next_one_serves_before(server):
    server.write(main="worker_processes 3; max_age 1s;")
    server.start()
    with admin.Events(server, since=0) as events:
        seen = _exits(events, 6)
    serving = {1, 2, 3}
    for event in seen:
        if event["event"] == "listening":
            serving.add(event["worker"])
        elif event["event"] == "disconnect":
            serving.discard(event["worker"])
            assert len(serving) == 3, seen
        elif event["event"] == "recycle":
            assert len(serving) == 3, seen
            assert "max_age is 1 s" in event["text"]
    assert any(event["event"] == "recycle" for event in seen)


def test_a_long_request_of_a_replaced_worker_is_finished(trouble):
    trouble.write("worker_processes 1; max_age 1s; worker_watchdog off;")
    trouble.start()
    with trouble.connect() as connection:
        connection.request(path="/spin?2500")
        assert connection.response().body == b"hello world\n"
    trouble.wait_log("is replaced")


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's memory is another")
def test_max_rss_replaces_the_one_that_leaks(trouble):
    trouble.write("worker_processes 2; max_rss 96m;")
    trouble.start()
    with admin.Events(trouble) as events:
        assert trouble.get("/leak?128").status == 200
        seen = _exits(events, 1)
    assert seen[-1]["reason"] == "recycled"
    assert all(worker["rss_bytes"] <= 96 << 20  # it was that one
               for worker in admin.workers(trouble))
    assert re.search(r"is replaced: it has 1\d\d\.\d MiB of memory, and "
                     r"max_rss is 96\.0 MiB", trouble.log())
    assert trouble.get().status == 200


def test_workers_tell_why_they_leave(trouble):
    trouble.write("worker_processes 1; max_requests 1;")
    trouble.start()
    with trouble.connect() as connection:
        connection.get()
        # Still inside when its successor serves: it drains.
        connection.request(path="/spin?4000")
        wait_until(lambda: any(
            worker["state"] == "draining" and worker["reason"] == "recycled"
            for worker in admin.workers(trouble)), "a reason")
        assert connection.response().status == 200


def test_limits_of_nothing_are_refused(server):
    server.write(main="max_requests 0; max_rss 1k; max_age 1ms;")
    done = server.run("-t")
    assert done.returncode == 1
    for name in ("max_requests", "max_rss", "max_age"):
        assert name in done.stderr
