"""What a C developer would get wrong about Node's cluster, and what cohort does
there; garbage, leaks and examples."""

from __future__ import annotations

import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

import processes
from cluster import (
    EXAMPLES, WORKER, Primary, Printed, answer, connect, make_primary, primary,
    spread)
from conftest import IS_SANITIZED, PATIENCE, wait_until


# -- the facts ----------------------------------------------------------------------

@pytest.mark.quick
def test_fact_3_a_dying_worker_loses_no_connection_it_has_not_taken(primary):
    stopped, other = primary.fork(), primary.fork()
    port = stopped.listen()
    other.listen()
    os.kill(stopped.pid, signal.SIGSTOP)
    clients = [connect(port) for _ in range(8)]
    os.kill(stopped.pid, signal.SIGKILL)
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"2\n"


@pytest.mark.quick
def test_fact_4_a_worker_without_descriptors_comes_back(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0")
    assert answer(port) == worker.id
    before = processes.descriptors(primary.pid)
    worker.tell("starve")
    worker.ask("hello", "hello")  # it is, by now
    clients = [connect(port) for _ in range(4)]
    wait_until(lambda: processes.descriptors(primary.pid) > before,
               "the primary to accept and offer one")
    for _ in range(2):  # who answers this has seen what was offered before
        worker.ask("hello", "hello")
        assert not select.select(clients, [], [], 0)[0], "it had descriptors"
    worker.tell("feed")
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"1\n"
    assert answer(port) == worker.id


@pytest.mark.quick
@pytest.mark.parametrize("policy", ["reuseport", "shared"])
def test_a_socket_that_a_worker_has_no_room_for_is_given_back(
        make_primary, policy):
    """Else there would be one from which nobody accepts."""
    primary = make_primary(exec=None)
    primary.policy(policy)
    primary.ask(f"setup exec {WORKER}", "^setup: 0")
    first, second = primary.fork(), primary.fork()
    port = first.listen("127.0.0.1:0")
    second.tell("starve")
    second.ask("listen 127.0.0.1:0", "error Too many open files")
    assert spread(port, 60) == {first.id: 60}
    second.tell("feed")
    assert second.listen("127.0.0.1:0") == port
    assert set(spread(port, 60)) == {first.id, second.id}


@pytest.mark.quick
def test_fact_6_what_nobody_takes_stays_in_the_kernel(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    os.kill(worker.pid, signal.SIGSTOP)
    before = len(os.listdir(f"/proc/{primary.pid}/fd"))
    clients = [connect(port) for _ in range(200)]
    time.sleep(0.3)
    assert len(os.listdir(f"/proc/{primary.pid}/fd")) - before <= 17
    os.kill(worker.pid, signal.SIGCONT)
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"1\n"


@pytest.mark.quick
@pytest.mark.parametrize("variables,why", [
    ({"COHORT_WORKER_ID": "1"}, "COHORT_CHANNEL_FD is no channel"),
    ({"COHORT_WORKER_ID": "1", "COHORT_CHANNEL_FD": "0"},
     "COHORT_CHANNEL_FD is no channel"),
    ({"COHORT_WORKER_ID": "x"}, "is no number"),
    ({"COHORT_WORKER_ID": ""}, "is no number"),
    ({"NODE_UNIQUE_ID": "1"}, "NODE_CHANNEL_FD is not"),
    ({"NODE_UNIQUE_ID": ""}, "NODE_CHANNEL_FD is not")])
def test_fact_11_an_id_without_a_channel_makes_no_worker(variables, why):
    ended = subprocess.run(
        [str(WORKER)], env={**os.environ, **variables}, capture_output=True,
        text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    assert ended.returncode == 3
    assert why in ended.stderr
    assert "primary 1" in ended.stderr


@pytest.mark.quick
def test_fact_12_messages_before_the_worker_listens_are_not_lost(primary):
    primary.tell("fork")
    primary.wait("^forked 1")
    primary.tell('send 1 "hello"')
    primary.wait('^cluster message 1 "hello"')


@pytest.mark.quick
def test_fact_13_a_failed_listen_does_not_spoil_the_next(primary, free_port):
    port = free_port()
    worker = primary.fork()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        worker.tell(f"listen 127.0.0.1:{port}")
        primary.wait('"error Address already in use')
    for i in range(3):
        assert worker.listen(f"127.0.0.1:{port}") == port
        assert answer(port) == worker.id
        worker.ask(f"close {i + 1}", "closed")


@pytest.mark.quick
def test_fact_14_listening_is_told_even_of_what_is_closed_at_once(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "closing")
    primary.wait(f"^cluster listening 1 4 127.0.0.1 {port}")
    primary.wait('^cluster message 1 "closed 0"')
    with pytest.raises(OSError):
        connect(port)


@pytest.mark.quick
def test_fact_2_a_worker_that_kills_itself_is_voluntary_too(primary):
    worker = primary.fork()
    worker.tell("kill")
    assert worker.wait_exit().endswith("kill voluntary")


@pytest.mark.quick
def test_listening_twice_on_an_address_is_an_error_of_the_second(
        primary, free_port):
    worker = primary.fork()
    port = free_port()
    worker.listen(f"127.0.0.1:{port}")
    worker.tell(f"listen 127.0.0.1:{port}")
    primary.wait('"error Address already in use')
    assert answer(port) == worker.id
    worker.ask("hello", "hello")


# -- promises of ours ----------------------------------------------------------------

@pytest.mark.quick
def test_nobody_waits_long_while_workers_are_killed(primary):
    workers = [primary.fork() for _ in range(3)]
    port = [worker.listen() for worker in workers][0]
    begun = time.monotonic()
    failed = served = 0
    slowest = 0.0
    # For 3 s, or until so many are served.
    while (start := time.monotonic()) < begun + 3 or \
            served <= 100 and start < begun + 3 + PATIENCE:
        try:
            served += answer(port) > 0
        except (OSError, ValueError):
            failed += 1
        slowest = max(slowest, time.monotonic() - start)
        if served % 40 == 39:
            os.kill(workers.pop(0).pid, signal.SIGKILL)
            workers.append(primary.fork())
            workers[-1].listen(f"127.0.0.1:{port}")
    assert served > 100
    assert failed <= 3
    assert slowest < 5


@pytest.mark.parametrize("policy", ["reuseport"])
def test_what_waits_at_the_socket_of_a_dead_worker_is_served(
        make_primary, policy):
    primary = make_primary(exec=None)
    primary.policy(policy)
    primary.tell(f"setup exec {WORKER}")
    first, second = primary.fork(), primary.fork()
    port = first.listen()
    second.listen()
    os.kill(first.pid, signal.SIGSTOP)
    clients = [connect(port) for _ in range(30)]
    os.kill(first.pid, signal.SIGKILL)
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"2\n"
    assert {answer(port) for _ in range(20)} == {second.id}


# -- garbage --------------------------------------------------------------------------

# A worker that speaks raw packets: those that its words give, each an
# expression of Python's.
RAW = r"""
import array, os, random, socket, struct, sys
channel = socket.socket(fileno=int(os.environ["COHORT_CHANNEL_FD"]))

def frame(type, body=b"", fds=0):
    return struct.pack("=IHBB", len(body), type, 1, fds) + body

HELLO = frame(68, struct.pack("=II", 2, 0))

def random_frames(seed, count):
    "A hello, then frames of types that are allowed, with any bytes in them."
    random.seed(seed)
    yield HELLO
    for _ in range(count):
        size = random.choice([0, 4, 8, 4, 4, random.randrange(400)])
        yield frame(random.choice([69, 70, 71, 72, 73, 25]),
                    random.randbytes(size))

for word in sys.argv[1:]:
    packets = eval(word)
    for packet in [packets] if isinstance(packets, bytes) else packets:
        try:
            fds = [0] * 40 if packet == b"" else []
            socket.send_fds(channel, [packet], fds)
        except OSError:
            break
channel.settimeout(20)
try:
    while channel.recv(65536):
        pass
except OSError:
    pass
"""


@pytest.fixture
def raw(make_primary, tmp_path):
    """A primary whose workers send packets of the test's choice."""
    script = tmp_path / "raw.py"
    script.write_text(RAW)
    primary = make_primary(exec="/usr/bin/python3")

    def send(*packets: str) -> Primary:
        primary.ask(" ".join(["setup args", str(script), *packets]), "^setup: 0")
        primary.tell("fork")
        return primary

    return send


def descriptors_at_rest(primary: Primary) -> int:
    """When it has done all that it does after it has told of something."""
    primary.ask("workers", "^workers 0:")
    return processes.descriptors(primary.pid)


def still_works(primary: Primary) -> None:
    primary.ask(f"setup exec {WORKER}", "^setup: 0")
    primary.ask("setup args hi", "^setup: 0")
    primary.fork().ask("hello", "hello")


@pytest.mark.quick
@pytest.mark.parametrize("packet", [
    "b'garbage'", "b'x'*30000", "bytes(8)", "frame(68,b'short')",
    "bytes([255,255,255,255,73,0,1,0])", "frame(99)", "frame(69,bytes(200))",
    "HELLO,HELLO", "HELLO,frame(73)", "HELLO,frame(73,b'{\\0')",
    "HELLO,frame(70,bytes(4))", "HELLO,frame(69,bytes(10))",
    "HELLO,frame(73,b'1\\0',1)", "(HELLO,)+(b'',)*9", "frame(68,struct.pack('=II',1,0))"])
def test_garbage_on_a_channel_closes_it_with_one_line(raw, packet):
    primary = raw(packet)
    primary.wait("^cluster exit 1 code 0")
    assert len(primary.find(r"\[error\] .*closing the channel to worker 1")) == 1
    before = descriptors_at_rest(primary)
    raw(packet)
    primary.wait("^cluster exit 2 code 0")
    assert descriptors_at_rest(primary) == before
    still_works(primary)


@pytest.mark.quick
def test_random_frames_never_crash_the_primary(raw):
    for seed in range(12):
        primary = raw(f"random_frames({seed},50)")
    primary.wait("^cluster exit", 12)
    still_works(primary)


@pytest.mark.quick
@pytest.mark.parametrize("line", [
    "garbage", "[[[[", "1" * 2000, '{"cmd":"NODE_CLUSTER","act":"queryServer"}',
    '{"cmd":"NODE_CLUSTER","act":"newconn","key":7}',
    '{"cmd":"NODE_HANDLE_ACK"}'])
def test_garbage_of_a_node_worker_ends_it_alone(make_primary, tmp_path, line):
    script = tmp_path / "raw.py"
    script.write_text(
        "import os, socket, sys\n"
        "channel = socket.socket(fileno=int(os.environ['NODE_CHANNEL_FD']))\n"
        "channel.setblocking(True)\n"
        "channel.send(sys.argv[1].encode() + b'\\n')\n"
        "channel.settimeout(1)\n"
        "try: channel.recv(1000)\n"
        "except OSError: pass\n")
    primary = make_primary(exec="/usr/bin/python3")
    primary.ask("setup protocol node", "^setup: 0")
    primary.ask(f"setup args {script} {line}", "^setup: 0")
    primary.tell("fork")
    primary.wait("^cluster exit 1 code 0")
    primary.ask("setup protocol cohort", "^setup: 0")
    still_works(primary)


# -- nothing leaks ----------------------------------------------------------------------

def rss_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


@pytest.mark.timeout(300)
def test_1000_cycles_leave_descriptors_and_memory_flat(primary):
    def cycle() -> None:
        worker = primary.fork()
        worker.listen()
        primary.tell(f"disconnect {worker.id}")
        worker.wait_exit()
        primary.lines.clear()

    for _ in range(50):
        cycle()
    descriptors = descriptors_at_rest(primary)
    memory = rss_kib(primary.pid)
    for _ in range(100 if IS_SANITIZED else 950):
        cycle()
    assert descriptors_at_rest(primary) == descriptors
    # A sanitizer keeps freed memory for a while.
    assert rss_kib(primary.pid) - memory < (30000 if IS_SANITIZED else 400)


# -- the examples ------------------------------------------------------------------------

@pytest.fixture
def example():
    started: list[subprocess.Popen] = []

    def start(
        name: str, *words: str, wrapper: list[str] = [],
    ) -> Printed:
        started.append(subprocess.Popen(
            [*wrapper, str(EXAMPLES / name), *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return Printed(started[-1])

    yield start
    for process in started:
        family = processes.descendants(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(processes.is_alive, family)),
                   "the workers' end")


def get(port: int) -> str:
    def fetch():
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/", timeout=PATIENCE) as response:
                return response.read().decode()
        except OSError:
            return None
    return str(wait_until(fetch, f"an answer on port {port}"))


def test_example_hello_prints_what_nodes_program_prints(example, free_port):
    port = free_port()
    hello = example("cluster_hello", f"127.0.0.1:{port}")
    hello.wait(rf"^Primary {hello.process.pid} is running$")
    cpus = len(os.sched_getaffinity(0))  # a quota may leave fewer
    wait_until(lambda: 0 < len(hello.find(r"^Worker \d+ started$")) ==
               len(processes.descendants(hello.process.pid)) <= cpus,
               "a worker per CPU")
    pid = int(hello.wait(r"^Worker (\d+) started$")[1])
    assert get(port) == "hello world\n"
    assert processes.parent(pid) == hello.process.pid
    os.kill(pid, signal.SIGTERM)
    hello.wait(rf"^worker {pid} died$")


def test_example_hello_has_a_worker_per_cpu_that_it_may_use(
        example, free_port):
    one = min(os.sched_getaffinity(0))
    hello = example("cluster_hello", f"127.0.0.1:{free_port()}",
                    wrapper=["taskset", "-c", str(one)])
    hello.wait(r"^Worker \d+ started$")
    assert len(processes.descendants(hello.process.pid)) == 1


def test_example_port_zero_has_two_ports_the_same_for_all(example):
    ports = example("cluster_port_zero")
    ports.process.wait(PATIENCE)
    ports.wait("listens on", 4)
    found = [(one[1], one[2]) for one in ports.find(r"worker (\d) .*:(\d+)$")]
    assert sorted(port for id, port in found if id == "1") == \
        sorted(port for id, port in found if id == "2")
    assert ports.process.returncode == 0


def test_example_service_tells_the_time_and_replaces_the_dead(
        example, free_port):
    port = free_port()
    service = example("cluster_service", f"127.0.0.1:{port}")

    def line() -> str:
        try:
            with connect(port) as client:
                return client.makefile().readline()
        except OSError:
            return ""

    wait_until(line, "the service")
    victim = processes.descendants(service.process.pid)[0]
    os.kill(victim, signal.SIGKILL)
    service.wait(r"^worker \d+: crash$")
    assert re.match(r"\d+-\d+-\d+ .*, says worker \d+", str(
        wait_until(line, "the service")))


def test_example_messages_counts_over_all_workers(example, free_port):
    port = free_port()
    example("cluster_messages", f"127.0.0.1:{port}")
    get(port)
    wait_until(lambda: int(get(port).split()[0]) >= 5, "the sum to grow")


def test_example_pass_socket_serves_what_was_passed(example, free_port):
    port = free_port()
    example("cluster_pass_socket", f"127.0.0.1:{port}")
    both = {"worker 2\n", "worker 3\n"}
    seen = set()
    wait_until(lambda: seen.add(get(port)) or seen == both, "both workers")
    assert {get(port) for _ in range(6)} == both


# -- HTTP in a worker ---------------------------------------------------------------------

@pytest.fixture
def http(make_primary, free_port):
    """A primary whose workers are those of cluster_hello, and their port."""
    port = free_port()
    primary = make_primary(exec=EXAMPLES / "cluster_hello")
    primary.ask(f"setup args 127.0.0.1:{port}", "^setup: 0")
    return primary, port


def request(client: socket.socket) -> bytes:
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return client.recv(4096)


def test_http_workers_share_their_port_evenly(http):
    primary, port = http
    for id in (1, 2):
        primary.fork()
        primary.wait(rf"^cluster listening {id} 4 127.0.0.1 {port}")
    for _ in range(10):
        assert get(port) == "hello world\n"


def test_an_http_worker_that_leaves_closes_idle_connections(http):
    primary, port = http
    primary.fork()
    primary.wait("^cluster listening 1")
    with connect(port) as client:
        assert request(client).endswith(b"hello world\n")
        primary.ask("disconnect 1", "^disconnect: 0")
        assert client.recv(10) == b""
    assert primary.wait("^cluster exit 1 (.*)")[1] == \
        "code 0 signal 0 disconnect voluntary"


def test_an_http_worker_whose_address_is_taken_says_so_and_ends(http):
    primary, port = http
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        primary.tell("fork")
        primary.wait(rf"\[emerg\] .*127.0.0.1:{port}.*[Aa]ddress already in use")
        assert primary.wait("^cluster exit 1 (.*)")[1] == \
            "code 1 signal 0 self accidental"


# -- without descriptors ------------------------------------------------------------------

@pytest.mark.quick
def test_fact_7_accept_errors_are_told_once_and_got_over(make_primary):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 4096))

    primary = make_primary(preexec_fn=limit)
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    opened = []
    while primary.tell("open 0") or not primary.find("^opened -1"):
        primary.ask("workers", "^workers")
    opened = [int(one[1]) for one in primary.find(r"^opened (\d+)")]
    clients = [connect(port) for _ in range(3)]
    primary.wait(r"\[alert\] .*accepting pauses: Too many open files; raise")
    time.sleep(0.3)  # it looks again more than once
    assert len(primary.find("accepting pauses")) == 1
    for number in opened:
        primary.tell(f"close {number}")
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"1\n"
        client.close()


@pytest.mark.quick
def test_a_primary_without_descriptors_goes_on_and_recovers(make_primary):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 4096))

    primary = make_primary(preexec_fn=limit)
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    for _ in range(20):
        primary.tell("fork")
    primary.wait("^fork: Too many open files")
    clients = [connect(port) for _ in range(30)]
    worker.ask("show self", "self 1 ")
    for id in range(2, 4):
        primary.tell(f"kill {id} 9")
        primary.wait(f"^cluster exit {id} ")
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"1\n"
    # Its own copies of the connections are closed a moment later.
    wait_until(lambda: primary.ask("fork", "^fork(ed|:)")[1] == "ed",
               "room for one more")
