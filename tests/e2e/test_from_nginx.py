"""docs/from-nginx.md: what it calls missing is refused, and nothing else is
called so."""

import re

import pytest

from conftest import ROOT

PAGE = (ROOT / "docs" / "from-nginx.md").read_text()
ACCEPTED, MISSING = PAGE.split("## Accepted without effect")[1].split(
    "## Not there yet")
# Whole names, each once: no patterns, no "listen ... ssl".
IGNORED = re.findall(r"`([a-z_0-9]+)`", ACCEPTED)
TABLE = [line.split("|")[2] for line in MISSING.splitlines()
         if line.startswith("|")]
NAMES = re.findall(r"`([a-z_0-9]+)`", "".join(TABLE))
VARIABLES = re.findall(r"`\$([a-z_0-9]+)`", "".join(TABLE))
# Words of the table that are parameters, or what they belong to.
PARAMETERS = {"access_log", "error_log", "quic"}


def test_names_that_are_ignored_say_so(server):
    assert len(IGNORED) > 10
    for name in IGNORED:
        done = server.run("-h", name)
        assert done.returncode == 0 and "has no effect" in done.stdout, name


def test_names_that_are_missing_are_unknown(server):
    assert len(NAMES) > 50
    for name in sorted(set(NAMES) - PARAMETERS):
        done = server.run("-h", name)
        assert "unknown directive" in done.stdout + done.stderr, name


def test_variables_that_are_missing_are_unknown(server):
    assert len(VARIABLES) > 5
    for name in VARIABLES:
        server.write(f"log_format a '${name}';")
        done = server.run("-t")
        assert done.returncode == 1 and "unknown" in done.stderr, name


@pytest.mark.parametrize("text", [
    "server { listen 81 ssl; }", "server { listen 81 http2; }",
    "server { listen 81 quic; }", "server { listen 81 proxy_protocol; }",
    "server { listen 81; location ~ x { } }",
    "server { listen 81; location ~* x { } }",
    "server { listen 81; server_name ~x; }",
    "access_log syslog:server=127.0.0.1;", "access_log /tmp/$host;",
    "access_log /tmp/x combined gzip;", "error_log syslog:server=127.0.0.1;",
    "error_log memory:32m;"])
def test_what_is_missing_of_others_is_refused(server, text):
    server.write(text)
    done = server.run("-t")
    assert done.returncode == 1
    assert re.search(r"not built in|no regular|not supported|file or stderr",
                     done.stderr), done.stderr
