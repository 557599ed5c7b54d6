"""What is wrong in a worker_group is told before anything starts."""

from __future__ import annotations

import os
import subprocess

import pytest

from conftest import BINARY

pytestmark = pytest.mark.quick


def check(server, block: str, main: str = ""):
    server.write(main=f"{main}\nworker_group app {{ {block} }}")
    return server.run("-t")


@pytest.mark.parametrize("block, why", [
    ("processes 2;", 'worker group "app" has no "exec"'),
    ("exec a; processes 0;", '"processes" takes auto or 1 to'),
    ("exec a; processes many;", '"processes" takes auto or 1 to'),
    ("exec a; protocol nod;", '"protocol"'),
    ("exec a; protocol node; serialization advanced;", "format of V8"),
    ("exec a; protocol node; scheduling_policy least_conn;",
     "do not tell how many connections"),
    ("exec a; protocol node; scheduling_policy reuseport;",
     "Node programs share one socket"),
    ("exec a; stdio inherit pipe;", "needs one entry ipc, and has 0"),
    ("exec a; stdio ipc ipc;", "needs one entry ipc, and has 2"),
    ("exec a; stdio inherit tape ipc;", '"tape" is no entry of stdio'),
    ("exec a; env NAME;", "takes NAME=VALUE"),
    ("exec a; env =value;", "takes NAME=VALUE"),
    ("exec a; inspect_port 70000;", "between 1 and 65535"),
    ("exec a; silent maybe;", '"on" or "off"'),
    ("exec a; exec b;", '"exec" directive is duplicate'),
    ("exec a; respawn never;", '"respawn"'),
    ("exec a; protocol listen_fds; listen unix:;", 'no path after "unix:"'),
    ("exec a; max_age 1ms;", '"max_age"'),
])
def test_a_block_that_cannot_be_is_refused(server, block, why):
    result = check(server, block)
    assert result.returncode == 1
    assert why in result.stderr
    assert "cohort.conf:" in result.stderr


@pytest.mark.parametrize("settings, why", [
    ("protocol listen_fds;\nlisten 127.0.0.1:8000;",
     "the programs accept by themselves and tell nobody"),
    ("protocol node;\nscheduling_policy shared;",
     "Node programs accept by themselves then"),
])
def test_what_nobody_counts_has_no_limit(server, settings, why):
    result = check(server, f"exec a;\nmax_requests 5;\n{settings}\n")
    assert result.returncode == 1
    assert why in result.stderr
    assert "max_age and max_rss need no count" in result.stderr
    # Where it stands, whatever comes behind it.
    text = (server.folder / "cohort.conf").read_text()
    line = text[:text.index("max_requests")].count("\n") + 1
    assert f"cohort.conf:{line}:" in result.stderr
    # The other limits are fine.
    result = check(server, f"exec a; max_age 1h; max_rss 1g; {settings}")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("settings", [
    "protocol node;",
    "protocol cohort; scheduling_policy shared;",
    "protocol cohort; scheduling_policy reuseport;",
    # That of the main context is for the group main.
    "protocol node; } max_requests 5; worker_group b { exec a; protocol node; "
    "scheduling_policy shared;",
])
def test_what_somebody_counts_has_one(server, settings):
    limit = "" if "group b" in settings else "max_requests 5;"
    result = check(server, f"exec a; {limit} {settings}")
    assert result.returncode == 0, result.stderr


def test_a_wrong_name_is_answered_with_the_nearest(server):
    result = check(server, "exec a; proceses 2;")
    assert result.returncode == 1
    assert 'unknown directive "proceses"' in result.stderr
    assert '"processes"' in result.stderr


@pytest.mark.parametrize("name, why", [
    ("main", "the built-in HTTP service"),
    ("with/slash", "cannot be the name"),
    ("a" * 32, "cannot be the name"),
])
def test_names_that_cannot_be(server, name, why):
    server.write(main=f"worker_group {name} {{ exec a; }}")
    result = server.run("-t")
    assert result.returncode == 1 and why in result.stderr


def test_two_groups_of_a_name_are_refused(server):
    server.write(main="worker_group a { exec a; } worker_group a { exec b; }")
    assert 'duplicate worker group "a"' in server.run("-t").stderr


def test_an_unknown_user_is_refused(server):
    if os.getuid() != 0:
        pytest.skip("only root may choose")
    result = check(server, "exec a; user nobody-of-that-name;")
    assert result.returncode == 1
    assert 'unknown user "nobody-of-that-name"' in result.stderr


def test_groups_need_a_primary(server):
    result = check(server, "exec a;", "master_process off;")
    assert result.returncode == 1
    assert "worker groups need a primary" in result.stderr


def test_a_whole_block_is_fine(server):
    result = check(server, """
        processes auto; exec node server.js; args --use https;
        exec_args --enable-source-maps; cwd /srv; env KEY=value; env B=c;
        protocol node; serialization json; silent on; inspect_port 9230;
        respawn always; max_rss 512m; max_requests 1000000; max_age 1d;
        worker_watchdog 5s; scheduling_policy round_robin;""")
    assert result.returncode == 0, result.stderr


def test_directives_are_explained_with_their_context(server):
    told = subprocess.run(
        [str(BINARY), "-h", "exec_args"], capture_output=True, text=True,
        timeout=30).stdout
    assert "worker_group" in told
