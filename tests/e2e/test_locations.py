"""Which server and which location answer a request, and what `return` says."""

import pytest

import wire

LOCATIONS = """
    server {
        listen 127.0.0.1:PORT;
        location / { return 200 root; }
        location = / { return 200 exact-root; }
        location /a { return 200 a; }
        location /a/ { return 200 a-slash; }
        location /a-b { return 200 a-dash; }
        location = /a/x { return 200 exact; }
        location ^~ /img/ { return 200 img; }
        location /deep/ {
            return 200 deep;
            location /deep/er/ { return 200 deeper; }
        }
        location "/with space" { return 200 space; }
    }"""


@pytest.mark.quick
@pytest.mark.parametrize("path, answer", [
    ("/", "exact-root"), ("/x", "root"), ("/a", "a"), ("/ab", "a"),
    ("/a/", "a-slash"), ("/a/y", "a-slash"), ("/a-b", "a-dash"),
    ("/a-bc", "a-dash"), ("/a-", "a"), ("/a/x", "exact"), ("/a/xy", "a-slash"),
    ("/A", "root"), ("/img/x", "img"), ("/img", "root"), ("/deep/x", "deep"),
    ("/deep/er/x", "deeper"), ("/with%20space", "space"),
    ("/a%2Fx", "exact"), ("/x/../a/x", "exact"), ("//a//x", "exact"),
    ("/./a/./x", "exact"), ("/a/x?y", "exact"), ("/x/..", "exact-root"),
    ("/a/x/.", "a-slash"), ("/%61", "a"),
])
def test_the_right_location(server, path, answer):
    server.write(LOCATIONS)
    server.start()
    assert server.get(path).body == answer.encode()


NAMES = """
    server { listen 127.0.0.1:PORT default_server; return 200 default; }
    server { listen 127.0.0.1:PORT; server_name exact.org; return 200 exact; }
    server { listen 127.0.0.1:PORT; server_name *.exact.org;
             return 200 leading; }
    server { listen 127.0.0.1:PORT; server_name *.long.exact.org;
             return 200 longer; }
    server { listen 127.0.0.1:PORT; server_name mail.*; return 200 trailing; }
    server { listen 127.0.0.1:PORT; server_name .dot.org; return 200 dot; }
    server { listen 127.0.0.1:PORT; server_name ""; return 200 empty; }
    server { listen 127.0.0.1:PORT; server_name one two; server_name three;
             return 200 several; }"""


@pytest.mark.parametrize("host, answer", [
    ("exact.org", "exact"), ("EXACT.org", "exact"), ("exact.org:99", "exact"),
    ("exact.org.", "exact"), ("www.exact.org", "leading"),
    ("a.b.exact.org", "leading"), ("x.long.exact.org", "longer"),
    ("mail.exact.org", "leading"), ("mail.example.com", "trailing"),
    ("mail.x", "trailing"), ("dot.org", "dot"), ("www.dot.org", "dot"),
    ("unknown", "default"), ("xexact.org", "default"), ("one", "several"),
    ("two", "several"), ("three", "several"),
])
def test_the_right_server(server, host, answer):
    server.write(NAMES)
    server.start()
    with server.connect() as connection:
        assert connection.get(host=host).body == answer.encode()


def test_a_1_0_request_without_host_has_the_empty_name(server):
    server.write(NAMES)
    server.start()
    assert server.raw(b"GET / HTTP/1.0\r\n\r\n").endswith(b"empty")


def test_the_host_of_an_absolute_target_wins(server):
    server.write(NAMES)
    server.start()
    with server.connect() as connection:
        connection.send(b"GET http://exact.org/ HTTP/1.1\r\nHost: one\r\n\r\n")
        assert connection.response().body == b"exact"


def test_servers_on_several_addresses(server, free_port):
    second = free_port()
    server.write(f"""
        server {{ listen 127.0.0.1:PORT; server_name a; return 200 first; }}
        server {{ listen 127.0.0.1:{second}; server_name a;
                  return 200 second; }}
        server {{ listen 127.0.0.2:PORT; return 200 third; }}""")
    server.start()
    for host, port, answer in (("127.0.0.1", server.port, b"first"),
                               ("127.0.0.1", second, b"second"),
                               ("127.0.0.2", server.port, b"third")):
        with wire.Connection(host, port) as connection:
            assert connection.get(host="a").body == answer


def test_a_wildcard_covers_specific_addresses(server):
    server.write("""
        server { listen *:PORT; return 200 any; }
        server { listen 127.0.0.2:PORT; return 200 two; }""")
    server.start()
    for host, answer in (("127.0.0.1", b"any"), ("127.0.0.2", b"two"),
                         ("127.0.0.3", b"any")):
        with wire.Connection(host, server.port) as connection:
            assert connection.get().body == answer


def test_a_unix_socket(server):
    import socket
    path = server.folder / "sock"
    server.write(f"server {{ listen unix:{path}; return 200 unix; }}")
    server.start()
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(10)
        one.connect(str(path))
        one.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while data := one.recv(1000):
            answer += data
    assert answer.endswith(b"unix")
    server.stop()
    assert not path.exists()


def test_ipv6(server):
    server.write("server { listen [::1]:PORT; return 200 six; }")
    server.start()
    with wire.Connection("::1", server.port) as connection:
        assert connection.get(host="[::1]").body == b"six"


@pytest.mark.parametrize("directive, status, body, location", [
    ('return 200 "text";', 200, b"text", None),
    ('return 200 "";', 200, b"", None),
    ("return 204;", 204, b"", None),
    ("return 404;", 404, None, None),
    ('return 404 "mine";', 404, b"mine", None),
    ("return 503;", 503, None, None),
    ("return 301 /x;", 301, None, "http://host:{port}/x"),
    ("return 302 http://other/x;", 302, None, "http://other/x"),
    ("return 307 /a?b=c;", 307, None, "http://host:{port}/a?b=c"),
    ("return http://other/;", 302, None, "http://other/"),
    ("return 301 $request_uri;", 301, None, "http://host:{port}/"),
    ('return 306;', 306, b"", None),
])
def test_return(server, directive, status, body, location):
    server.write(f"server {{ listen 127.0.0.1:PORT; {directive} }}")
    server.start()
    answer = server.get(host="host")
    assert answer.status == status
    if body is not None:
        assert answer.body == body
    if location:
        assert answer["location"] == location.format(port=server.port)


def test_return_takes_the_default_type(server):
    server.write("""server { listen 127.0.0.1:PORT;
        default_type application/json; return 200 "{}"; }""")
    server.start()
    assert server.get()["content-type"] == "application/json"


@pytest.mark.parametrize("tokens, name", [("on", r"cohort/\d"), ("off", "cohort")])
def test_built_in_pages(server, tokens, name):
    import re
    server.write(f"""server {{ listen 127.0.0.1:PORT;
        server_tokens {tokens}; return 404; }}""")
    server.start()
    answer = server.get()
    assert answer["content-type"] == "text/html"
    assert b"<title>404 Not Found</title>" in answer.body
    assert re.match(name, answer["server"])
    assert name.split("/")[0].encode() in answer.body
    if tokens == "off":
        assert "/" not in answer["server"]


def test_add_header(server):
    server.write("""
        add_header X-Outer outer;
        server {
            listen 127.0.0.1:PORT;
            location / { return 200 inherited; }
            location /own {
                add_header X-Own "own $uri";
                add_header X-Empty "";
                return 200 own;
            }
            location /error { add_header X-Own own; return 404; }
            location /always { add_header X-Own own always; return 404; }
        }""")
    server.start()
    assert server.get("/")["x-outer"] == "outer"
    own = server.get("/own")
    assert own["x-own"] == "own /own"
    assert "x-outer" not in own and "x-empty" not in own
    assert "x-own" not in server.get("/error")
    assert server.get("/always")["x-own"] == "own"


@pytest.mark.parametrize("path, seen", [
    ("/uri/a%20b", b"/uri/a b"), ("/uri/../uri/x", b"/uri/x"),
    ("/uri//x", b"/uri/x"), ("/uri/%2e/x", b"/uri/x"), ("/uri/x#f", b"/uri/x"),
    ("/uri/%25", b"/uri/%"), ("/uri/?a=%2e", b"/uri/"),
])
def test_uri_is_decoded_once_and_normalised(shared_echo, path, seen):
    assert shared_echo.get(path).body == seen


@pytest.mark.parametrize("path", ["/%", "/%2", "/%zz", "/%00", "/..", "/a/../..",
                                  "/a/%2e%2e/../b"])
def test_broken_paths_are_400(shared_echo, path):
    assert shared_echo.get(path).status == 400


@pytest.mark.parametrize("host, seen", [
    ("Example.ORG", b"example.org"), ("example.org:80", b"example.org"),
    ("example.org.", b"example.org"), ("[::1]:80", b"[::1]"),
    ("[::1]", b"[::1]"),
])
def test_host_is_normalised(shared_echo, host, seen):
    assert shared_echo.get("/host", host=host).body == seen


@pytest.mark.parametrize("host", [
    "a..b", ".", "a/b", "a\\b", "a b", "a:b", "a:123456", "a:1:2", "[::1",
    "x[::1]", "[::1]x", "[::1].", "host.:1.2", "a\x01b", "[]",
])
def test_broken_hosts_are_400(shared_echo, host):
    assert shared_echo.get("/host", host=host).status == 400


def test_same_bytes_mean_what_their_address_makes_of_them(server, free_port):
    """A worker recognises a head that comes again (http/request_memo.h)."""
    other = free_port()
    server.write(
        f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 one; }}
            location /a {{ return 200 one-a; }}
        }}
        server {{
            listen 127.0.0.1:{other};
            location / {{ return 200 two; }}
            location /a {{ return 200 two-a; }}
        }}""", main="worker_processes 1;")
    server.start()
    with wire.Connection("127.0.0.1", server.port) as one, \
            wire.Connection("127.0.0.1", other) as two:
        for path, suffix in ("/", b""), ("/a", b"-a"), ("/?x=1", b""):
            for _ in range(3):
                assert one.get(path).body == b"one" + suffix
                assert one.get(path).body == b"one" + suffix
                assert two.get(path).body == b"two" + suffix


def test_what_is_remembered_of_a_head_is_all_that_it_said(server):
    server.write("""
        server {
            listen 127.0.0.1:PORT;
            location / { return 200 "$host $uri $args $is_args $request_uri"; }
        }""", main="worker_processes 1;")
    server.start()
    with wire.Connection("127.0.0.1", server.port) as connection:
        for path, host, answer in (
                ("/x?y=1", "a.b", b"a.b /x y=1 ? /x?y=1"),
                ("/%41", "A.b:80", b"a.b /A   /%41"),
                ("http://c.d/e", "a.b", b"c.d /e   /e"),
                ("/x?", "a.b.", b"a.b /x   /x?")):
            for _ in range(3):
                assert connection.get(path, host=host).body == answer
        for _ in range(2):
            connection.request("GET", "/", connection="keep-alive")
            assert connection.response().all("connection") == ["keep-alive"]
        connection.request("GET", "/", connection="close")
        assert connection.response().all("connection") == ["close"]
