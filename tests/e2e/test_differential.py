"""Every framing rule beside nginx and Node's llhttp: the same verdict, or the
reason why not stands here."""

import shutil
import socket
import subprocess

import pytest

import wire
from conftest import ROOT, wait_until
from messages import ACCEPTED, REFUSED

NGINX = ROOT / "build" / "peers" / "usr" / "sbin" / "nginx"

STRICTER = "cohort refuses what could be read in two ways"
NGINX_SERVES = {  # refused by us, served by nginx 1.22: why
    "no colon": "dropped as an invalid line there: " + STRICTER,
    "0.9": "served as HTTP/0.9 there: a parser that takes it can be fooled",
    "chunk size with blank": "skipped there: " + STRICTER,
    "bare LF after a chunk size": "a line end there: " + STRICTER,
    "bare LF after a chunk": "a line end there: " + STRICTER,
    "bare LF at the end of chunks": "a line end there: " + STRICTER,
    "bare LF in the last chunk": "a line end there: " + STRICTER,
}
NODE_SERVES = {
    "0.9 with version": "the version is only syntax to llhttp",
    "0.9": "llhttp takes it; a parser that does can be fooled",
    "2.0": "llhttp leaves the version policy to the server",
    "other coding in 1.0": "llhttp leaves it to the server",
    "coding in 1.0": "llhttp reads chunks in 1.0; RFC 9112 6.1 says faulty",
    "another coding": "llhttp leaves the coding's meaning to the server",
    "identity": "llhttp leaves the coding's meaning to the server",
    "two hosts": "llhttp leaves Host to the server",
    "two equal hosts": "llhttp leaves Host to the server",
    "list of hosts": "llhttp leaves Host to the server",
    "empty host": "llhttp leaves Host to the server",
    "host with a slash": "llhttp leaves Host to the server",
    "folded field": "llhttp unfolds; obs-fold is obsolete (RFC 9112 5.2)",
    "folded coding": "llhttp unfolds; obs-fold is obsolete",
    "empty name": "llhttp takes an empty field name; RFC 9110 5.1 does not",
    "two chunk extensions": "llhttp takes them; we take one",
    "two codings": "llhttp joins the fields: " + STRICTER,
    "list of codings": "chunked stands last; nothing else is implemented here",
    "chunked repeated": "llhttp looks at the last one only: " + STRICTER,
    "trace": "a method like any other to llhttp",
    "connect": "a method like any other to llhttp",
    "connect without port": "the target is opaque to llhttp",
    "bare LF at the end of chunks": "llhttp takes it: " + STRICTER,
    "HTTP/2 preface": "another path in Node",
    "no host": "llhttp leaves Host to the server, which in Node 18 asks for none",
    "blank before the colon": "llhttp 6 (Node 18) drops the blank: " + STRICTER,
    "fold before the first field": "llhttp 6 (Node 18) drops it: " + STRICTER,
    "target not absolute": "the target is opaque to llhttp",
}
NODE_REFUSES = {
    "bare LF": "nginx's users send it (RFC 9112 2.2 allows a recipient to)",
    "mixed line ends": "nginx's users send it",
    "1.2 counts as 1.1": "RFC 9110 6.2: a higher minor version is understood",
    "raw bytes in the target": "nginx's users send it",
    "unknown method": "any token is a method (RFC 9110 9.1)",
    "other expectation": "Node answers 417; RFC 9110 allows to ignore it",
    "absolute with arguments only": "a path may be missing",
}

NODE_SERVER = """
const http = require("http");
const server = http.createServer((request, response) => {
  request.on("data", () => {});
  request.on("end", () => response.end("hello world\\n"));
});
server.listen(Number(process.argv[1]), "127.0.0.1");
"""


def _wait_port(port, process):
    def answers():
        assert process.poll() is None, "the reference server ended"
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0
    wait_until(answers, "the reference server")


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    binary = NGINX if NGINX.exists() else shutil.which("nginx")
    if not binary:
        pytest.skip("no nginx: ./configure --install-deps unpacks one")
    from conftest import _PORTS
    port, folder = _PORTS.take(), tmp_path_factory.mktemp("nginx")
    conf = folder / "nginx.conf"
    conf.write_text(f"""
        daemon off; master_process off; pid {folder}/pid;
        error_log {folder}/error.log; events {{ }}
        http {{
            access_log off;
            client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
            scgi_temp_path {folder}/s;
            server {{ listen 127.0.0.1:{port}; return 200 "hello world\\n"; }}
        }}""")
    process = subprocess.Popen(
        [str(binary), "-p", str(folder), "-c", str(conf),
         "-e", f"{folder}/error.log"], stderr=subprocess.DEVNULL)
    _wait_port(port, process)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def node():
    binary = shutil.which("node")
    if not binary:
        pytest.skip("no node")
    from conftest import _PORTS
    port = _PORTS.take()
    process = subprocess.Popen([binary, "-e", NODE_SERVER, str(port)])
    _wait_port(port, process)
    yield port
    process.terminate()
    process.wait(10)


def _is_served(port, data):
    """Is the first thing said to exactly these bytes no refusal? (An HTTP/0.9
    answer has no status at all.)"""
    with wire.Connection("127.0.0.1", port) as connection:
        try:
            connection.send(data)
            connection.half_close()
            answer = connection.read_all()
        except OSError:
            return False
    return bool(answer) and not answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))


@pytest.mark.parametrize("name", REFUSED)
def test_what_we_refuse_nginx_refuses(nginx, name):
    served = _is_served(nginx, REFUSED[name][0])
    assert served == (name in NGINX_SERVES), NGINX_SERVES.get(name)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_we_accept_nginx_accepts(nginx, name):
    assert _is_served(nginx, ACCEPTED[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_we_refuse_llhttp_refuses(node, name):
    served = _is_served(node, REFUSED[name][0])
    if name in NODE_SERVES:
        return  # a reason stands above; versions of llhttp differ
    assert not served


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_we_accept_llhttp_accepts(node, name):
    if name in NODE_REFUSES:
        return
    assert _is_served(node, ACCEPTED[name])


def test_the_reasons_name_existing_cases():
    for table in (NGINX_SERVES, NODE_SERVES):
        assert set(table) <= set(REFUSED)
    assert set(NODE_REFUSES) <= set(ACCEPTED)
