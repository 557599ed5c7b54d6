"""What error_page makes of errors of size and framing: the page does not depend
on how the bytes came, and the connection ends whatever status it has."""

import pytest

SERVER = """
    server {
        listen 127.0.0.1:PORT;
        client_max_body_size 5;
        large_client_header_buffers 2 1k;
        error_page 400 413 414 494 501 505 %s;
        location / { return 200 "hello\\n"; }
        location = /page { return 200 "page\\n"; }
    }"""

PAGES = ["=200 /page", "http://else.where/", "/page"]
STATUSES = [200, 302, 0]  # 0: that of the error

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

ERRORS = {
    "a length": (413, POST + b"Content-Length: 6\r\n\r\n"),
    "a length and a part": (413, POST + b"Content-Length: 6\r\n\r\nabc"),
    "a length and a body": (413, POST + b"Content-Length: 6\r\n\r\nabcdef"),
    "a large chunk": (413, CHUNKED + b"6\r\nabcdef\r\n0\r\n\r\n"),
    "a bad chunk": (400, CHUNKED + b"x\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "a long line": (414, b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a long field": (
        400, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 2000 + b"\r\n\r\n"),
    "a coding": (501, POST + b"Transfer-Encoding: gzip\r\n\r\n"),
    "a version": (505, b"GET / HTTP/2.1\r\nHost: a\r\n\r\n"),
}


@pytest.mark.quick
@pytest.mark.parametrize("page", range(len(PAGES)),
                         ids=["as 200", "elsewhere", "with its status"])
def test_the_page_of_an_error_is_the_last_answer(server, page):
    server.write(SERVER % PAGES[page])
    server.start()
    for error, (status, data) in ERRORS.items():
        with server.connect() as connection:
            connection.send(data)
            answer = connection.response()
            assert answer.status == (STATUSES[page] or status), error
            assert answer["connection"] == "close", error
            assert ("location" in answer) == (answer.status == 302), error
            if answer.status != 302:
                assert answer.body == b"page\n", error
            assert connection.is_closed(), error


def test_the_page_reaches_a_client_that_still_sends(server):
    server.write(SERVER % PAGES[0])
    server.start()
    with server.connect() as connection:
        connection.send(POST + b"Content-Length: 1000000\r\n\r\n")
        for _ in range(20):
            connection.send(bytes(10_000))
        assert connection.response().body == b"page\n"
        assert connection.is_closed()


def test_a_body_that_fits_leaves_the_connection(server):
    server.write(SERVER % PAGES[0])
    server.start()
    with server.connect() as connection:
        for _ in range(2):
            connection.request("POST", "/", b"abcde")
            assert connection.response().body == b"hello\n"
