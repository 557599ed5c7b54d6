"""What could be read in two ways is refused and the connection closed."""

import pytest

import wire
from messages import ACCEPTED, HEAD, REFUSED


@pytest.mark.quick
@pytest.mark.parametrize("name", REFUSED)
def test_refused(shared_hello, name):
    """The status, then a close; what follows is never read as a request."""
    data, status = REFUSED[name]
    follower = b"GET /hidden HTTP/1.1\r\nHost: hidden\r\n\r\n"
    with shared_hello.connect() as connection:
        connection.send(data + (follower if status != 405 else b""))
        connection.half_close()
        answer = connection.response()
        assert answer.status == status
        if status != 405:
            assert answer["connection"] == "close"
            rest = connection.read_all()
            assert rest == b"", rest


@pytest.mark.quick
@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_and_the_next_is_served(shared_hello, name):
    with shared_hello.connect() as connection:
        connection.send(ACCEPTED[name])
        first = connection.response()
        assert first.status == 200
        if "1.0" in name:
            assert connection.is_closed()
            return
        assert connection.get().status == 200


@pytest.mark.parametrize("name", [n for n in ACCEPTED if "1.0" not in n])
def test_split_at_every_byte(shared_hello, name):
    data = ACCEPTED[name]
    with shared_hello.connect() as connection:
        for at in range(1, len(data)):
            connection.send(data[:at])
            connection.send(data[at:])
            if connection.response().status != 200:
                break


@pytest.mark.parametrize("name", ["bare CR in a value", "two lengths",
                                  "chunk size not hexadecimal", "2.0"])
def test_refusals_are_logged_at_info_with_the_client(server, name):
    server.write()
    server.start()
    server.raw(REFUSED[name][0])
    server.wait_log(r"\[info\].*client: 127\.0\.0\.1")


def test_data_after_connection_close_is_dropped(shared_hello):
    with shared_hello.connect() as connection:
        connection.send(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.response().status == 200
        assert connection.read_all() == b""


@pytest.mark.parametrize("spelling", [
    "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/a/../../secret",
    "/%2e%2e%2fsecret", "/./../secret", "/a/%2e%2e/%2e%2e/secret",
    "//../../secret", "/..\\secret", "/%00/../secret", "/%c0%ae%c0%ae/secret",
    "/a/..%00/secret", "/%252e%252e/secret", "/..;/secret",
])
def test_a_path_never_leaves_its_root(server, spelling):
    root = server.folder / "root"
    (root / "a").mkdir(parents=True)
    (server.folder / "secret").write_text("secret")
    server.write(f"server {{ listen 127.0.0.1:PORT; root {root}; }}")
    server.start()
    with server.connect() as connection:
        connection.request(path=spelling)
        answer = connection.response()
    assert answer.status in (400, 403, 404)
    assert b"secret\n" != answer.body and answer.body != b"secret"


def test_no_page_and_no_field_repeats_what_a_client_sent(server):
    root = server.folder / "root"
    (root / "a\r\nX: injected").mkdir(parents=True)
    server.write(f"""server {{
        listen 127.0.0.1:PORT;
        root {root};
        location /old/ {{ return 301 /new$uri; }}
        location /asked/ {{ return 301 /new?$args; }}
    }}""")
    server.start()
    for path, status in (("/<script>alert(1)</script>", 404),
                         ("/a%0d%0aX:%20injected", 301),
                         ("/old/a%0d%0aX:%20injected", 301),
                         ("/old/%22%3cscript%3e%20%c3%a9", 301),
                         ("/asked/?\"<script>\xe9", 301),
                         ("/a%0d%0aX:%20injected?\"<script>\xe9", 301),
                         ("/%", 400)):
        with server.connect() as connection:
            connection.request(path=path)
            answer = connection.response()
        assert answer.status == status
        assert b"script" not in answer.body and b"injected" not in answer.body
        assert "x" not in answer
        if status == 301:
            assert not set(answer["location"]) & set("\"<>\xc3\xa9\xe9 ")
        if "injected" in path:
            assert "a%0D%0AX:" in answer["location"]


def test_a_deep_pipeline_is_answered_in_order(shared_echo):
    count = 1000
    data = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i
                    for i in range(count))
    with shared_echo.connect() as connection:
        connection.send(data)
        for i in range(count):
            assert connection.response().body == b"/%d" % i


def test_an_unwanted_body_is_read_and_the_next_request_served(shared_hello):
    body = bytes(300_000)
    with shared_hello.connect() as connection:
        for _ in range(3):
            connection.request("POST", "/", body)
            assert connection.response().status == 200
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            connection.send(b"100\r\n" + bytes(256) + b"\r\n")
        connection.send(b"0\r\n\r\n")
        assert connection.response().status == 200
        assert connection.get().status == 200


def test_wire_reads_what_was_sent():
    """The reader of these tests itself: chunks and trailers."""
    import socket
    ours, theirs = socket.socketpair()
    connection = wire.Connection.__new__(wire.Connection)
    connection.socket, connection.buffer = ours, b""
    theirs.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"3\r\nabc\r\n0\r\nX: y\r\n\r\n")
    one = connection.response()
    assert (one.body, one.trailers) == (b"abc", [("X", "y")])
    ours.close()
    theirs.close()
