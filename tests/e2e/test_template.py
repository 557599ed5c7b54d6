"""Whatever happens to the process that workers are forked from, they are
replaced, and nobody waits for it for ever."""

import contextlib
import os
import signal

import pytest

import admin
import processes
from conftest import wait_until


@contextlib.contextmanager
def _starved(server, free):
    """The primary can have so many descriptors more, and no other ones."""
    admin.get(server, "/v1/status")  # the helper is there, and has its own
    with processes.starved(server.pid, free):
        yield


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
    with _starved(server, free):
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: "Too many open files" in server.log() or
                   server.workers() not in ([], before),
                   "a failure, or another worker")
    _another(server, before)
    assert server.templates() == templates, server.log()
    wait_until(lambda: not _zombies(server.pid), "all to be reaped")


def test_a_template_that_dies_in_want_of_descriptors_is_there_after_it(hello):
    hello.may_alert = True
    before, template = hello.workers(), hello.templates()[0]
    with _starved(hello, 0):
        os.kill(template, signal.SIGKILL)
        hello.wait_log(r"\[crit\].*cannot start a template: Too many open files",
                       2)
        os.kill(before[0], signal.SIGKILL)
        hello.wait_log(r"worker process \d+ exited on signal 9")
    hello.wait_log(r"the template of generation 1 is there again")
    wait_until(lambda: len(hello.workers()) == 2, "another worker")
    assert hello.get().status == 200
    assert "has no template" not in hello.log()


def test_who_is_without_workers_is_not_told_that_they_are_full(server):
    server.write(main="worker_processes 1;")
    server.start()
    server.may_alert = True
    with _starved(server, 0):
        os.kill(server.templates()[0], signal.SIGKILL)
        server.wait_log(r"cannot start a template")
        os.kill(server.workers()[0], signal.SIGKILL)
        with server.connect() as waiting:
            waiting.request()
            server.wait_log(r"\[warn\].*no worker of generation 1 serves, new "
                            r"connections wait: others are to follow")
    with server.connect() as connection:
        assert connection.get().status == 200
    assert "are full" not in server.log()


# --- one death after the other --------------------------------------------------


def _next_template(server, before):
    """The process that is to be the next one, whatever it is called yet."""
    return wait_until(
        lambda: [child for child in processes.children(server.pid)
                 if child not in before], "the next template")[0]


def test_repairs_that_are_killed_are_followed_by_others(hello):
    """As one after the other is when memory is short."""
    hello.may_alert = True
    admin.get(hello, "/v1/status")  # the helper is there, too
    others = [child for child in processes.children(hello.pid)
              if child not in hello.templates()]
    killed = hello.templates()
    os.kill(killed[0], signal.SIGKILL)
    while len(killed) < 7:
        killed.append(_next_template(hello, others + killed))
        os.kill(killed[-1], signal.SIGKILL)
    hello.wait_log(r"the template of generation 1 is there again")
    assert "has no template" not in hello.log()
    worker = hello.workers()[0]
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(hello.workers()) == 2 and
               worker not in hello.workers(), "a new worker")
    assert hello.get().status == 200


def test_the_folder_it_was_started_in_may_go(server):
    """Of a release that was removed since, say."""
    folder = server.folder / "release"
    folder.mkdir()
    server.write()
    server.spawn(wrapper=("env", f"--chdir={folder}"))
    server.wait_ready()
    folder.rmdir()
    server.may_alert = True
    before = server.workers()
    os.kill(server.templates()[0], signal.SIGKILL)
    os.kill(before[0], signal.SIGKILL)
    server.wait_log(r"the template of generation 1 is there again")
    wait_until(lambda: len(server.workers()) == 2 and
               before[0] not in server.workers(), "a new worker")
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: .*generation 2")
    assert server.get().status == 200


def test_a_log_folder_that_is_missing_for_a_moment_is_waited_for(server):
    folder = server.folder / "logs"
    folder.mkdir()
    server.write(http=f"""
        access_log {folder}/access.log;
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 "hello"; }}
        }}""")
    server.start()
    server.may_alert = True
    before = server.workers()
    folder.rename(server.folder / "elsewhere")
    os.kill(server.templates()[0], signal.SIGKILL)
    server.wait_log(r"generation 1 has no template, since its configuration "
                    r"cannot be loaded any more")
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: before[0] not in server.workers(), "it to be gone")
    folder.mkdir()
    server.wait_log(r"the template of generation 1 is there again")
    wait_until(lambda: len(server.workers()) == 2, "another worker")
    assert admin.get(server, "/v1/status")["has_template"]


# --- only a reload helps --------------------------------------------------------


@pytest.mark.parametrize("line, why", [
    ("# changed", "its configuration has changed"),
    ("nonsense;", "its configuration cannot be loaded any more"),
])
def test_what_says_something_else_has_to_be_loaded_by_a_reload(
        hello, line, why):
    hello.may_alert = True
    with admin.Events(hello) as events:
        with open(hello.configuration, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        os.kill(hello.templates()[0], signal.SIGKILL)
        assert events.until("template_missing")[-1]["text"] == why
    hello.wait_log(rf"\[alert\].*generation 1 has no template, since {why}: "
                   r"workers that die are not replaced; reload")
    before = hello.workers()
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not hello.workers(), "all to be gone")
    with hello.connect() as waiting:
        waiting.request()
        hello.wait_log(r"no worker of generation 1 serves, new connections "
                       r"wait: those that died are not replaced; reload")
        hello.write()
        hello.signal(signal.SIGHUP)
        assert waiting.response().status == 200
