"""The client that counts notices what it has to, of peers that do it."""

import contextlib
import ctypes
import socket
import struct
import threading

import pytest

from conftest import wait_until
from counting import HELLO, Counting, assert_nothing_lost

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # <asm/socket.h>
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(HELLO)
END = b"\r\n"
CLOSE = b"Connection: close\r\n" + END


class Peer:
    """Answers every connection once, with those bytes; then it hangs up."""

    def __init__(self, folder, answer):
        self.folder, self.answer = folder, answer
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listening.shutdown(socket.SHUT_RD)  # wakes it
        self.thread.join()
        self.listening.close()

    def _serve(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            with client:
                if client.recv(65536):
                    client.sendall(self.answer)
                    client.shutdown(socket.SHUT_WR)
                    client.recv(65536)


def drop_everything(listening):
    """A filter that lets no byte through, and so no SYN."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
    listening.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER,
        struct.pack("@HP", 1, ctypes.addressof(program)))


@contextlib.contextmanager
def counting(peer, **clients):
    """Of a peer that may never answer as it should."""
    load = Counting(peer, **clients)
    try:
        yield load
    finally:
        load.__exit__()


def test_all_is_well(tmp_path):
    with Peer(tmp_path, HEAD + CLOSE + HELLO) as peer, \
            counting(peer, keep=1) as load:
        load.wait_more(3)
        assert_nothing_lost(load.stop("not the server: a peer that does well"))


@pytest.mark.parametrize("answer, key", [
    (b"", "lost"),
    (HEAD + CLOSE + HELLO[:-1], "lost"),
    (HEAD + CLOSE + HELLO.upper(), "wrong")], ids=["none", "half", "other"])
def test_what_is_no_answer(tmp_path, answer, key):
    # So seldom that all complaints are kept, also if we do not run for a while.
    with Peer(tmp_path, answer) as peer, \
            counting(peer, close=1, pause=20) as load:
        wait_until(lambda: load.tally()[key] > 0, key)
        tally = load.stop(f"not the server: a peer whose answers are {key}")
    assert tally[key] == tally["complained"] == len(tally["complaints"])
    assert tally["answered"] == tally["closed"] == 0


def test_an_end_between_two_requests(tmp_path):
    with Peer(tmp_path, HEAD + END + HELLO) as peer, \
            counting(peer, keep=1, pause=10_000) as load:
        wait_until(lambda: load.tally()["closed"] > 0, "an end")
        tally = load.stop("not the server: a peer that closes")
    assert tally["answered"] >= tally["closed"]
    with pytest.raises(AssertionError):
        assert_nothing_lost(tally)


def test_nobody_listens(tmp_path):
    peer = Peer(tmp_path, b"")
    peer.listening.close()
    with counting(peer, keep=1) as load:
        wait_until(lambda: load.tally()["refused"] > 0, "a refusal")
        tally = load.stop("not the server: no peer")
    assert tally["refused"] == tally["complained"]


def test_a_handshake_that_was_not_answered_at_once(tmp_path):
    """The first SYN is dropped, the second one connects after a second."""
    with Peer(tmp_path, HEAD + CLOSE + HELLO) as peer:
        drop_everything(peer.listening)
        with counting(peer, keep=1) as load:
            load.tally()  # it has begun when it tells
            load.tally()
            peer.listening.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
            load.wait_more(1)
            tally = load.stop("not the server: a peer that does not hear")
    assert tally["refused"] == tally["complained"] == 1
    assert tally["complaints"][0]["what"] in (
        "connected late", "not connected in time")
