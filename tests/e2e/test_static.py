"""Files: content, types, validators, ranges, directories, what is refused."""

import email.utils
import os
import time

import pytest

from conftest import wait_until

SIZES = [0, 1, 100, 4096, 16383, 16384, 16385, 100_000, 3_000_000]


@pytest.fixture
def files(server):
    root = server.folder / "root"
    root.mkdir()

    def say(directives, **options):
        server.write(f"""
            types {{ text/html html; text/plain txt; }}
            default_type application/octet-stream;
            {directives}
            server {{
                listen 127.0.0.1:PORT;
                root {root};
            }}""", **options)

    say("")
    server.say = say
    server.root = root
    return server


def pattern(size):
    return bytes(i * 7 % 251 for i in range(min(size, 251))) * (size // 251 + 1)


@pytest.mark.quick
@pytest.mark.parametrize("sendfile", ["on", "off"])
@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_whole(files, size, sendfile):
    content = pattern(size)[:size]
    (files.root / "file").write_bytes(content)
    files.say(f"sendfile {sendfile};")
    files.start()
    with files.connect() as connection:
        for _ in range(3):  # from disk, then from the cache
            answer = connection.get("/file")
            assert answer.status == 200
            assert answer.body == content
            assert answer["content-length"] == str(size)
            assert answer["accept-ranges"] == "bytes"


@pytest.mark.parametrize("sendfile", ["on", "off"])
def test_small_chunks_let_others_have_their_turn(files, sendfile):
    with open(files.root / "large", "wb") as file:
        file.truncate(200_000_000)
    (files.root / "small.txt").write_text("hello")
    files.say(f"sendfile {sendfile}; sendfile_max_chunk 64k;",
              main="worker_processes 1;")
    files.start()
    with files.connect() as large, files.connect() as small:
        large.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close"
                   b"\r\n\r\n")
        head = large.read_until(b"\r\n\r\n")
        answers, size = 0, len(large.buffer)
        while got := large.socket.recv(1 << 20):
            size += len(got)
            if size < 100_000_000 and answers < 50:
                assert small.get("/small.txt").body == b"hello"
                answers += 1
        assert b" 200 OK" in head
        assert size == 200_000_000
        assert answers == 50


@pytest.mark.parametrize("size", [10, 100_000])
def test_pipelined_files(files, size):
    content = pattern(size)[:size]
    (files.root / "file").write_bytes(content)
    files.start()
    with files.connect() as connection:
        connection.send(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
        for _ in range(20):
            assert connection.response().body == content


def test_head_has_the_same_headers_and_no_body(files):
    (files.root / "a.txt").write_text("hello")
    files.start()
    with files.connect() as connection:
        get = connection.get("/a.txt")
        connection.request("HEAD", "/a.txt")
        head = connection.response("HEAD")
        assert connection.get("/a.txt").status == 200
    strip = [h for h in get.headers if h[0] != "Date"]
    assert [h for h in head.headers if h[0] != "Date"] == strip


@pytest.mark.parametrize("name, kind", [
    ("a.txt", "text/plain"), ("a.html", "text/html"), ("A.HTML", "text/html"),
    ("a.unknown", "application/octet-stream"),
    ("none", "application/octet-stream"),
    ("a.txt.html", "text/html"), (".txt", "text/plain"),
])
def test_types(files, name, kind):
    (files.root / name).write_text("x")
    files.start()
    assert files.get("/" + name)["content-type"] == kind


def test_validators(files):
    path = files.root / "a.txt"
    path.write_text("hello")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    files.start()
    answer = files.get("/a.txt")
    assert answer["etag"] == '"3b9aca00-5"'
    assert answer["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"


CONDITIONS = [  # request fields, status
    ({"if_none_match": '"3b9aca00-5"'}, 304),
    ({"if_none_match": 'W/"3b9aca00-5"'}, 304),
    ({"if_none_match": '"x" ,  "3b9aca00-5"'}, 304),
    ({"if_none_match": "*"}, 304),
    ({"if_none_match": '"x"'}, 200),
    ({"if_modified_since": "Sun, 09 Sep 2001 01:46:40 GMT"}, 304),
    ({"if_modified_since": "Sun, 09 Sep 2001 01:46:41 GMT"}, 200),  # exact
    ({"if_modified_since": "Sun, 09 Sep 2001 01:46:39 GMT"}, 200),
    ({"if_modified_since": "nonsense"}, 200),
    ({"if_none_match": '"x"',
      "if_modified_since": "Sun, 09 Sep 2001 01:46:40 GMT"}, 200),
    ({"if_match": '"3b9aca00-5"'}, 200),
    ({"if_match": 'W/"3b9aca00-5"'}, 412),
    ({"if_match": '"x"'}, 412),
    ({"if_match": "*"}, 200),
    ({"if_unmodified_since": "Sun, 09 Sep 2001 01:46:40 GMT"}, 200),
    ({"if_unmodified_since": "Sun, 09 Sep 2001 01:46:39 GMT"}, 412),
]


@pytest.mark.parametrize("fields, status", CONDITIONS)
def test_conditions(files, fields, status):
    path = files.root / "a.txt"
    path.write_text("hello")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    files.start()
    with files.connect() as connection:
        answer = connection.get("/a.txt", **fields)
        assert answer.status == status
        if status == 304:
            assert answer["etag"] == '"3b9aca00-5"'
            assert "content-length" not in answer
        assert connection.get("/a.txt").status == 200


RANGES = [  # Range, status, body or None, Content-Range
    ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
    ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
    ("bytes=5-", 206, b"56789", "bytes 5-9/10"),
    ("bytes=-3", 206, b"789", "bytes 7-9/10"),
    ("bytes=-100", 206, b"0123456789", "bytes 0-9/10"),
    ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
    ("bytes=10-", 416, None, "bytes */10"),
    ("bytes=5-4", 416, None, "bytes */10"),
    ("bytes=a-b", 416, None, "bytes */10"),
    ("bytes=,", 416, None, "bytes */10"),
    ("bytes=0-0,2-2,20-30", 206, None, None),
    ("bytes=20-30,2-3", 206, b"23", "bytes 2-3/10"),
    ("bytes=0-9,0-9", 200, b"0123456789", None),
    ("lines=0-1", 200, b"0123456789", None),
    ("bytes=99999999999999999999-", 416, None, "bytes */10"),
]


@pytest.mark.parametrize("text, status, body, place", RANGES)
def test_ranges(files, text, status, body, place):
    (files.root / "a.txt").write_text("0123456789")
    files.start()
    with files.connect() as connection:
        answer = connection.get("/a.txt", range=text)
        assert answer.status == status
        if body is not None:
            assert answer.body == body
        if place:
            assert answer["content-range"] == place
        if status == 206 and not place:
            assert answer["content-type"].startswith(
                "multipart/byteranges; boundary=")
            assert b"Content-Range: bytes 0-0/10" in answer.body
            assert b"Content-Range: bytes 2-2/10" in answer.body
        assert connection.get("/a.txt").body == b"0123456789"


def test_range_of_a_large_file(files):
    content = pattern(3_000_000)[:3_000_000]
    (files.root / "big").write_bytes(content)
    files.start()
    answer = files.get("/big", range="bytes=1000000-1999999")
    assert answer.status == 206
    assert answer.body == content[1_000_000:2_000_000]


def test_if_range(files):
    path = files.root / "a.txt"
    path.write_text("0123456789")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    files.start()
    tag = files.get("/a.txt")["etag"]
    for value, status in ((tag, 206), ('"x"', 200),
                          ("Sun, 09 Sep 2001 01:46:40 GMT", 206),
                          ("Sun, 09 Sep 2001 01:46:41 GMT", 200)):
        answer = files.get("/a.txt", range="bytes=0-1", if_range=value)
        assert answer.status == status, value


def test_a_directory_redirects_then_serves_its_index(files):
    (files.root / "dir").mkdir()
    (files.root / "dir" / "index.html").write_text("index")
    files.start()
    answer = files.get("/dir?x=1", host="example.org:81")
    assert answer.status == 301
    assert answer["location"] == \
        f"http://example.org:{files.port}/dir/?x=1"
    assert files.get("/dir/").body == b"index"


def test_what_is_missing_or_forbidden(files):
    (files.root / "dir").mkdir()
    (files.root / "file").write_text("x")
    os.mkfifo(files.root / "fifo")
    files.start()
    assert files.get("/missing").status == 404
    assert files.get("/file/").status == 404
    assert files.get("/file/x").status == 404
    assert files.get("/dir/").status == 403
    assert files.get("/fifo").status in (403, 404)
    assert files.get("/" + "a" * 300).status in (404, 414)
    with files.connect() as connection:
        connection.request("POST", "/file", b"x")
        assert connection.response().status == 405
        connection.request("DELETE", "/file")
        assert connection.response().status == 405


def test_unreadable_is_403(files):
    path = files.root / "file"
    path.write_text("x")
    path.chmod(0)
    os.chmod(files.folder, 0o755)
    if os.getuid() == 0:
        pytest.skip("root reads everything unless workers drop it")
    files.start()
    assert files.get("/file").status == 403


@pytest.mark.alone
def test_a_changed_file_is_seen_within_its_revalidation(files):
    path = files.root / "file"
    path.write_text("old")
    files.start()
    assert files.get("/file").body == b"old"
    path.write_text("newer")
    began = time.monotonic()
    wait_until(lambda: files.get("/file").body == b"newer", "the new content")
    assert time.monotonic() - began < 3


def test_a_replaced_and_a_deleted_file_are_seen(files):
    path = files.root / "file"
    path.write_text("old")
    files.start()
    assert files.get("/file").body == b"old"
    (files.root / "next").write_text("new")
    (files.root / "next").rename(path)
    wait_until(lambda: files.get("/file").body == b"new", "the new file")
    path.unlink()
    wait_until(lambda: files.get("/file").status == 404, "its end")


def test_a_file_that_shrinks_ends_the_connection(files):
    path = files.root / "big"
    path.write_bytes(bytes(50_000_000))
    files.start()
    with files.connect() as connection:
        connection.request(path="/big")
        connection.read_until(b"\r\n\r\n")
        os.truncate(path, 1000)
        got = len(connection.buffer)
        try:
            while data := connection.socket.recv(1_000_000):
                got += len(data)
        except ConnectionResetError:
            pass
        assert got < 50_000_000
    files.wait_log("cannot send the rest of a file: it has become shorter; "
                   "replace files by renaming .*, client: 127.0.0.1")
    assert files.get("/big").status == 200


def test_symbolic_links_are_followed(files):
    (files.folder / "release").mkdir()
    (files.folder / "release" / "a").write_text("linked")
    (files.root / "current").symlink_to(files.folder / "release")
    files.say("", main="worker_sandbox off;")  # where "on" lets them end
    files.start()
    assert files.get("/current/a").body == b"linked"


def test_decoded_and_utf8_names(files):
    (files.root / "a b").write_text("blank")
    (files.root / "ä").write_text("umlaut")
    (files.root / "100%").write_text("percent")
    files.start()
    assert files.get("/a%20b").body == b"blank"
    assert files.get("/%C3%A4").body == b"umlaut"
    assert files.get("/100%25").body == b"percent"


def test_date_is_now(files):
    (files.root / "a").write_text("x")
    files.start()
    when = email.utils.parsedate_to_datetime(files.get("/a")["date"])
    assert abs(when.timestamp() - time.time()) < 5
