"""Symbolic links: disable_symlinks, confine, and roots that are links. Also on
a kernel without openat2."""

import os
import sys
import textwrap
import threading

import pytest

from conftest import EVERYWHERE, wait_until

# Executes the rest of its arguments where openat2 (437) fails with ENOSYS.
WITHOUT_OPENAT2 = (sys.executable, "-c", textwrap.dedent("""
    import ctypes, os, struct, sys
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, 437),
            (0x06, 0, 0, 0x50000 | 38), (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *line) for line in code))
    class Program(ctypes.Structure):
        _fields_ = [("size", ctypes.c_ushort), ("code", ctypes.c_void_p)]
    program = Program(4, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(38, 1, 0, 0, 0) or
            libc.prctl(22, 2, ctypes.byref(program), 0, 0)):
        sys.exit("no filter: %s" % os.strerror(ctypes.get_errno()))
    os.execv(sys.argv[1], sys.argv[1:])
"""))


@pytest.fixture(params=["openat2", "steps"])
def linked(request, server):
    """A root with links of all kinds in it, and a server for what is said."""
    root = server.folder / "releases" / "1"
    (root / "dir" / "sub").mkdir(parents=True)
    (root / "file").write_text("file")
    (root / "dir" / "file").write_text("dir/file")
    (root / "dir" / "index.html").write_text("index")
    (root / "to_file").symlink_to("file")
    (root / "to_dir").symlink_to("dir")
    (root / "dangling").symlink_to("nowhere")
    (root / "absolute").symlink_to(root / "file")
    (root / "dir" / "sub" / "up").symlink_to("../../file")
    (root / "dir" / "sub" / "index.html").symlink_to("../index.html")
    (root / "out").symlink_to("../../secret")
    (root / "to_out").symlink_to("out")
    (root / "around").symlink_to("../1/file")
    (root / "folder_out").symlink_to("../..")
    (server.folder / "secret").write_text("secret")
    (server.folder / "current").symlink_to("releases/1")

    def say(directives, main=""):
        server.write(f"""
            log_not_found off;
            server {{
                listen 127.0.0.1:PORT;
                root {server.folder}/current;
                {directives}
            }}""", main=f"worker_processes 1; {main}")
        if server.process is None:
            server.spawn(
                wrapper=WITHOUT_OPENAT2 if request.param == "steps" else ())
            server.wait_ready()
        else:
            server.run("-s", "reload", check=True)

    server.say = say
    server.root = root
    return server


def answers(server, *paths):
    """Of each path its text, or the status why not; twice, as the second time
    may come from the cache."""
    got = []
    with server.connect() as connection:
        for path in paths:
            one, again = (connection.get(path) for _ in range(2))
            assert (one.status, one.body) == (again.status, again.body)
            got.append(one.body.decode() if one.status == 200 else one.status)
    return got


INSIDE = ["/file", "/dir/file", "/to_file", "/to_dir/file", "/dir/sub/up",
          "/to_dir/", "/dir/sub/"]
OUTSIDE = ["/out", "/to_out", "/around", "/absolute", "/folder_out/secret"]


def test_confine_follows_what_stays_inside_and_nothing_else(linked):
    linked.say("confine on;")
    assert answers(linked, *INSIDE) == [
        "file", "dir/file", "file", "dir/file", "file", "index", "index"]
    assert answers(linked, *OUTSIDE) == [403] * 5
    assert answers(linked, "/dangling", "/missing", "/file/") == [404] * 3
    assert linked.get("/to_dir").status == 301
    assert linked.get("/folder_out/").status == 403
    (linked.root / "index.html").symlink_to("../../secret")
    assert linked.get("/").status == 403
    linked.wait_log(r'/current/out" failed: it leads out of its root')
    linked.wait_log(r'index.html" is forbidden: it leads out of its root')
    assert "cross-device" not in linked.log()


def test_on_refuses_links_as_nginx_does(linked):
    """403 for the last name, 404 for one on the way; below from= only."""
    linked.say("disable_symlinks on from=$document_root;")
    assert answers(linked, *INSIDE) == [
        "file", "dir/file", 403, 404, 403, 404, 403]
    assert answers(linked, *OUTSIDE) == [403, 403, 403, 403, 404]
    assert answers(linked, "/dangling", "/missing", "/to_dir") == [
        403, 404, 403]


def test_without_from_the_links_of_the_root_count(linked):
    linked.say("""disable_symlinks on;
        location /real/ { alias %s/; }
        location /part/ { alias %s/current/; disable_symlinks on from=%s/cur; }
        location /all/ { alias %s/; disable_symlinks off; }
        """ % (os.path.realpath(linked.root), linked.folder, linked.folder,
               linked.root))
    assert answers(linked, "/file", "/real/file", "/part/file") == [
        404, "file", 404]
    assert answers(linked, "/all/to_file", "/real/to_file", "/all/to_file") == [
        "file", 403, "file"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give links away")
def test_if_not_owner_compares_both_ends(linked):
    os.chown(linked.root / "to_file", 12345, 12345, follow_symlinks=False)
    os.chown(linked.root / "to_dir", 12345, 12345, follow_symlinks=False)
    linked.say("disable_symlinks if_not_owner from=$document_root;")
    assert answers(linked, "/file", "/dir/sub/up", "/dir/sub/") == [
        "file", "file", "index"]
    assert answers(linked, "/to_file", "/to_dir/file", "/to_dir/") == [403] * 3
    os.chown(linked.root / "file", 12345, 12345)
    wait_until(lambda: linked.get("/to_file").body == b"file", "its owner's")
    linked.say("disable_symlinks if_not_owner from=$document_root; confine on;")
    assert answers(linked, "/to_file", "/dir/sub/", *OUTSIDE[:2]) == [
        "file", "index", 403, 403]


def test_try_files_sees_what_would_be_served(linked):
    linked.say("""
        confine on;
        location = /a { try_files /out /to_file =404; }
        location = /b {
            disable_symlinks on from=$document_root;
            try_files /to_file /to_dir/ /dir/file =404;
        }""")
    assert answers(linked, "/a", "/b") == ["file", "dir/file"]


def test_locations_of_one_folder_do_not_lend_each_other_files(linked):
    """The cache holds what one of them may open, under a name that another one
    may not."""
    folder = linked.folder / "current"
    linked.say(f"""
        location /free/ {{ alias {folder}/; }}
        location /on/ {{ alias {folder}/; disable_symlinks on from={folder}; }}
        location /in/ {{ alias {folder}/; confine on; }}
        """)
    for _ in range(2):
        assert answers(linked, "/free/to_file", "/on/to_file", "/in/to_file") == [
            "file", 403, "file"]
        assert answers(linked, "/in/around", "/on/around", "/free/file") == [
            403, 403, "file"]


@pytest.mark.parametrize("directives", [
    "", "confine on;", "disable_symlinks on from=$document_root;",
    "disable_symlinks if_not_owner;",
    "disable_symlinks if_not_owner from=$document_root; confine on;"])
def test_a_release_is_switched_without_a_reload(linked, directives):
    second = linked.folder / "releases" / "2"
    second.mkdir()
    (second / "file").write_text("second")
    # A sandbox is told of releases to come.
    linked.say(directives, main=f"worker_sandbox on {linked.folder}/releases;"
               if "worker_sandbox on" in EVERYWHERE else "")
    assert answers(linked, "/file") == ["file"]
    (linked.folder / "next").symlink_to("releases/2")
    (linked.folder / "next").rename(linked.folder / "current")
    wait_until(lambda: linked.get("/file").body == b"second", "the release")
    assert answers(linked, "/dir/file") == [404]


def test_what_is_no_file_is_neither_served_nor_waited_for(linked):
    os.mkfifo(linked.root / "fifo")
    (linked.root / "to_fifo").symlink_to("fifo")
    names = ["/fifo", "/to_fifo"]
    if os.getuid() == 0:
        os.mknod(linked.root / "null", 0o20666, os.makedev(1, 3))
        names.append("/null")
    linked.say("confine on;")
    assert answers(linked, *names, "/file") == [404] * len(names) + ["file"]


def test_a_link_that_flickers_never_leads_out(linked):
    """While somebody exchanges a folder and a link out of the root as fast as
    possible, answers are from inside or refusals."""
    (linked.root / "real").mkdir()
    for number in range(500):  # each name is kept for a while
        (linked.root / "real" / f"{number}").write_text("harmless")
        (linked.folder / f"{number}").write_text("secret")
    spot = linked.root / "spot"
    spot.symlink_to("real")
    linked.say("confine on;")
    done = threading.Event()
    exchanges = 0
    failures = []
    seen = set()

    def flicker():
        nonlocal exchanges
        try:
            while not done.is_set():
                for target in ("../..", "real"):
                    (linked.root / "next").symlink_to(target)
                    (linked.root / "next").rename(spot)
                exchanges += 1
        except Exception as error:  # threads keep theirs to themselves
            failures.append(error)

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        wait_until(lambda: exchanges or failures, "the first exchange")
        while not seen or (exchanges < 100 and not failures):
            with linked.connect() as connection:
                seen |= {(answer.status, answer.body.startswith(b"harmless"))
                         for answer in (connection.get(f"/spot/{number}")
                                        for number in range(500))}
    finally:
        done.set()
        thread.join()
    assert not failures
    assert (200, True) in seen
    assert seen <= {(200, True), (403, False)}
