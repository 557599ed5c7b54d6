"""Sizes, counts and times that a client cannot exceed."""

import time

import pytest

from conftest import wait_until
from trouble import trouble  # noqa: F401

SERVER = """
    server {
        listen 127.0.0.1:PORT;
        %s
        location / { return 200 "hello world\\n"; }
    }"""


def started(server, directives, **options):
    server.write(SERVER % directives, **options)
    return server.start()


def test_a_request_line_that_is_too_long_is_414(server):
    started(server, "large_client_header_buffers 2 1k;")
    answer = server.raw(b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 414 ")


def test_a_header_that_is_too_long_is_400(server):
    started(server, "large_client_header_buffers 2 1k;")
    answer = server.raw(
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 2000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Request Header Or Cookie Too Large" in answer


def test_headers_that_are_too_long_together_are_400(server):
    started(server, "large_client_header_buffers 2 1k;")
    fields = b"".join(b"X%d: %s\r\n" % (i, b"a" * 500) for i in range(20))
    answer = server.raw(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_defaults_take_what_browsers_send(shared_hello):
    with shared_hello.connect() as connection:
        assert connection.get("/" + "a" * 7000).status == 200
        assert connection.get(cookie="a" * 7000).status == 200


def test_the_largest_default_head_is_served(shared_hello):
    """Four buffers of 8 KiB."""
    headers = {f"x{i}": "a" * 7500 for i in range(3)}
    with shared_hello.connect() as connection:
        assert connection.get(**headers).status == 200
        assert connection.get().status == 200


def test_small_buffers_work_with_pipelining(server):
    started(server, "client_header_buffer_size 128;"
                    "large_client_header_buffers 4 256;")
    one = b"GET /%d HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 150 + b"\r\n\r\n"
    with server.connect() as connection:
        connection.send(b"".join(one % i for i in range(50)))
        for _ in range(50):
            assert connection.response().status == 200


def test_max_headers(server):
    started(server, "max_headers 10;")
    with server.connect() as connection:
        assert connection.get(**{f"x{i}": "1" for i in range(9)}).status == 200
        assert connection.get(**{f"x{i}": "1" for i in range(10)}).status == 400


@pytest.mark.quick
def test_a_body_that_is_too_large_is_413_by_its_length(server):
    started(server, "client_max_body_size 1k;")
    with server.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\n"
                        b"Content-Length: 1025\r\n\r\n")
        answer = connection.response()
        assert answer.status == 413
        assert answer["connection"] == "close"


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
AND_ANOTHER = b"\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_chunked_body_that_grows_too_large_is_413(server):
    started(server, "client_max_body_size 1k;")
    with server.connect() as connection:
        connection.send(CHUNKED + b"400\r\n" + bytes(1024) + AND_ANOTHER)
        assert connection.response().status == 200
        assert connection.response().status == 200
    with server.connect() as connection:
        connection.send(CHUNKED + b"401\r\n" + bytes(1025) + AND_ANOTHER)
        answer = connection.response()
        assert answer.status == 413
        assert answer["connection"] == "close"
        assert connection.is_closed()


def test_a_chunked_body_that_grows_too_large_behind_its_answer_is_cut(server):
    """Nobody asked for the body: the answer is out before it comes."""
    started(server, "client_max_body_size 1k;")
    for size in (1024, 1025):
        with server.connect() as connection:
            connection.send(CHUNKED)
            assert connection.response().status == 200
            connection.send(b"%x\r\n" % size + bytes(size) + AND_ANOTHER)
            if size > 1024:
                assert connection.is_closed()
            else:
                assert connection.response().status == 200


@pytest.mark.parametrize("data", [
    b"M" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n",
    CHUNKED + b"1;x=" + b"y" * 9000 + b"\r\nz\r\n0\r\n\r\n",
    CHUNKED + b"0\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
], ids=["method", "chunk extension", "trailers"])
def test_what_has_no_directive_has_a_limit_too(shared_hello, data):
    """The body's answer may be out when its end turns out to be wrong; then the
    connection is closed without another."""
    with shared_hello.connect() as connection:
        connection.send(data)
        assert connection.response().status in (200, 400)
        assert connection.is_closed()


def test_a_body_that_nobody_wants_is_not_read_for_ever(server):
    started(server, "client_max_body_size 0;")
    sent = 0
    with server.connect() as connection:
        connection.send(CHUNKED)
        with pytest.raises(OSError):
            while sent < 256 << 20:
                connection.send(b"10000\r\n" + bytes(65536) + b"\r\n")
                sent += 65536
    assert sent >= 8 << 20
    assert server.get().status == 200


def test_no_limit_by_0(server):
    started(server, "client_max_body_size 0;")
    with server.connect() as connection:
        connection.request("POST", "/", bytes(3_000_000))
        assert connection.response().status == 200


@pytest.mark.alone
def test_a_slow_head_is_ended_however_it_drips(server):
    started(server, "client_header_timeout 1s;")
    began = time.monotonic()
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        connection.socket.settimeout(0.2)
        answer = b""
        while time.monotonic() - began < 10:
            try:
                data = connection.socket.recv(1000)
            except TimeoutError:
                connection.send(b"X: y\r\n")
                continue
            answer += data
            if not data:
                break
    assert 0.9 < time.monotonic() - began < 3
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")
    server.wait_log(r"\[info\].*timed out.*client: 127\.0\.0\.1")


@pytest.mark.alone
def test_a_silent_client_is_ended(server):
    started(server, "client_header_timeout 1s;")
    began = time.monotonic()
    with server.connect() as connection:
        connection.read_all()
    assert 0.9 < time.monotonic() - began < 3


@pytest.mark.alone
def test_a_body_that_does_not_come_is_408(trouble):
    """The time is that between two parts of it."""
    trouble.write(http="client_body_timeout 2s;")
    trouble.start()
    with trouble.connect() as connection:
        connection.send(b"POST /body HTTP/1.1\r\nHost: a\r\n"
                        b"Content-Length: 100\r\n\r\nabc")
        time.sleep(0.5)
        began = time.monotonic()
        connection.send(b"def")
        answer = connection.response()
        assert 1.9 < time.monotonic() - began < 4
        assert answer.status == 408
        assert answer["connection"] == "close"
        assert connection.is_closed()
    trouble.wait_log(r"\[info\].*timed out.*body.*client: 127\.0\.0\.1")


@pytest.mark.alone
def test_a_body_that_nobody_wants_is_not_waited_for_without_end(server):
    """The answer has been given; what is still to come is read for a while."""
    started(server, "client_body_timeout 60s; lingering_timeout 1s;")
    with server.connect() as connection:
        began = time.monotonic()
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\n"
                        b"Content-Length: 100\r\n\r\nabc")
        assert connection.response().status == 200
        assert connection.is_closed()
        assert 0.9 < time.monotonic() - began < 3


@pytest.mark.alone
def test_keepalive_timeout(server):
    started(server, "keepalive_timeout 1s;")
    with server.connect() as connection:
        began = time.monotonic()
        connection.get()
        assert connection.is_closed()
        assert 0.9 < time.monotonic() - began < 3


def test_keepalive_timeout_header(server):
    started(server, "keepalive_timeout 75s 30s;")
    with server.connect() as connection:
        assert connection.get()["keep-alive"] == "timeout=30"


def test_keepalive_timeout_0_closes(server):
    started(server, "keepalive_timeout 0;")
    with server.connect() as connection:
        assert connection.get()["connection"] == "close"
        assert connection.is_closed()


def test_keepalive_requests(server):
    started(server, "keepalive_requests 3;")
    with server.connect() as connection:
        for _ in range(2):
            assert "close" not in connection.get().all("connection")
        assert connection.get()["connection"] == "close"
        assert connection.is_closed()


def test_keepalive_requests_in_a_pipeline(server):
    started(server, "keepalive_requests 3;")
    answer = server.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
    assert answer.count(b"HTTP/1.1 200") == 3


def test_keepalive_in_1_0_only_when_asked(shared_hello):
    with shared_hello.connect() as connection:
        connection.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert connection.response()["connection"] == "keep-alive"
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.response()["connection"] == "close"
        assert connection.is_closed()


@pytest.mark.alone
def test_a_client_that_does_not_read_is_ended(server):
    (server.folder / "big").write_bytes(bytes(50_000_000))
    server.write(f"server {{ listen 127.0.0.1:PORT; send_timeout 1s;"
                 f" root {server.folder}; }}")
    server.start()
    with server.connect() as connection:
        connection.request(path="/big")
        server.wait_log(r"\[info\].*timed out.*client: 127\.0\.0\.1")


def test_a_slow_reader_gets_everything(server):
    size = 8_000_000
    (server.folder / "big").write_bytes(bytes(size))
    server.write(f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}")
    server.start()
    with server.connect() as connection:
        connection.request(path="/big")
        connection.read_until(b"\r\n\r\n")
        got = len(connection.buffer)
        while got < size:
            got += len(connection.socket.recv(100_000))
        assert got == size


def test_expect_100_continue(shared_hello):
    """hello world reads no body: the final answer comes without a 100."""
    with shared_hello.connect() as connection:
        connection.request("POST", "/", expect="100-continue",
                           content_length="5")
        assert connection.response().status in (100, 200)


def test_an_error_answer_reaches_a_client_that_still_sends(server):
    started(server, "client_max_body_size 1k;")
    with server.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\n"
                        b"Content-Length: 1000000\r\n\r\n")
        for _ in range(20):
            connection.send(bytes(10_000))
        assert connection.response().status == 413


def test_return_444_closes_without_a_word(server):
    server.write("server { listen 127.0.0.1:PORT; return 444; }")
    server.start()
    assert server.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == b""


def test_many_slow_heads_hinder_nobody(server):
    started(server, "client_header_timeout 60s;")
    slow = [server.connect() for _ in range(300)]
    for connection in slow:
        connection.send(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(20):
        assert server.get().status == 200
    for connection in slow:
        connection.send(b"y\r\nHost: a\r\n\r\n")
    for connection in slow:
        assert connection.response().status == 200
        connection.close()


def test_idle_connections_keep_no_buffer(server):
    """1,000 idle clients cost the workers little memory."""
    from pathlib import Path
    started(server, "", main="worker_processes 1;",
            events="worker_connections 2000;")
    worker = server.workers()[0]

    def private():
        rollup = Path(f"/proc/{worker}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in rollup.splitlines()
                   if line.startswith("Private_"))

    server.get()
    before = private()
    idle = [server.connect() for _ in range(1000)]
    for connection in idle:
        connection.get()
    wait_until(lambda: private() - before < 1500, "memory below 1.5 KiB each")
    for connection in idle:
        connection.close()


@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_those_behind_the_limit_come_in_as_idle_ones_make_room(server, policy):
    """A full worker takes the next client when one of its own turns idle, not
    only when one leaves."""
    started(server, "", events="worker_connections 16;",
            main=f"worker_processes 1; scheduling_policy {policy};")
    waiting = [server.connect() for _ in range(64)]
    for connection in waiting:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n")  # not yet idle
    for connection in waiting:
        connection.send(b"\r\n")
    for connection in waiting:
        assert connection.response().status == 200
        connection.close()
