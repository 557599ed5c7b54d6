"""The access log and the error log: form, place, buffering, failure."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import threading

import pytest

import admin
import processes
from conftest import BINARY, PATIENCE, wait_until

HELLO = 'server { listen 127.0.0.1:PORT; location / { return 200 "hello"; } }'
COMBINED = re.compile(
    r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
    r'"GET /x\?y=1 HTTP/1\.1" 200 5 "http://from/" "agent \\x22quoted\\x22"$')


@pytest.mark.quick
def test_combined(server):
    log = server.folder / "access.log"
    server.write(f"access_log {log} combined flush=100ms;" + HELLO)
    server.start()
    server.get("/x?y=1", referer="http://from/", user_agent='agent "quoted"')
    wait_until(lambda: log.read_text(), "a line")
    assert COMBINED.match(log.read_text())


def test_it_is_buffered_and_flushed_by_time(server):
    log = server.folder / "access.log"
    server.write(f"access_log {log};" + HELLO)
    server.start()
    for _ in range(10):
        server.get()
    wait_until(lambda: len(log.read_text().splitlines()) == 10, "10 lines")


def test_it_is_flushed_at_the_end(server):
    log = server.folder / "access.log"
    server.write(f"access_log {log} combined buffer=64k flush=1h;" + HELLO)
    server.start()
    with server.connect() as connection:
        for _ in range(100):
            connection.get()
    server.signal(signal.SIGQUIT)
    server.process.wait(PATIENCE)
    assert len(log.read_text().splitlines()) == 100


def test_formats(server):
    log, json = server.folder / "a", server.folder / "b"
    server.write(f"""
        log_format short '$remote_addr $request_method $uri $status '
                         '$body_bytes_sent $http_x_y $arg_a $request_length';
        log_format js escape=json '{{"u":"$uri","q":"$args","n":"$http_no"}}';
        access_log {log} short flush=50ms;
        access_log {json} js flush=50ms;""" + HELLO)
    server.start()
    server.get('/p?a=1&b="', x_y="z")
    wait_until(lambda: log.read_text() and json.read_text(), "both lines")
    assert re.match(r"127\.0\.0\.1 GET /p 200 5 z 1 \d+\n$", log.read_text())
    assert json.read_text() == '{"u":"/p","q":"a=1&b=\\"","n":""}\n'


def test_if(server):
    log = server.folder / "a"
    server.write(f"access_log {log} combined flush=50ms if=$arg_log;" + HELLO,
                 main="worker_processes 1;")  # whose lines come in order
    server.start()
    server.get("/no")
    server.get("/zero?log=0")
    server.get("/yes?log=1")
    wait_until(lambda: log.read_text(), "a line")
    assert len(log.read_text().splitlines()) == 1
    assert "/yes" in log.read_text()


def test_off_inside_and_another_file(server):
    outer, inner = server.folder / "outer", server.folder / "inner"
    server.write(f"""
        access_log {outer} combined flush=50ms;
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 x; }}
            location /off {{ access_log off; return 200 x; }}
            location /inner {{ access_log {inner} combined flush=50ms;
                               return 200 x; }}
        }}""")
    server.start()
    for path in ("/", "/off", "/inner"):
        server.get(path)
    wait_until(lambda: outer.read_text() and inner.read_text(), "both lines")
    assert len(outer.read_text().splitlines()) == 1
    assert len(inner.read_text().splitlines()) == 1


def test_a_request_that_does_not_parse_is_logged(server):
    log = server.folder / "a"
    server.write(f"access_log {log} combined flush=50ms;" + HELLO)
    server.start()
    server.raw(b"nonsense\r\n\r\n")
    wait_until(lambda: log.read_text(), "a line")
    assert '" 400 ' in log.read_text()


def test_binary_in_requests_is_escaped(server):
    log = server.folder / "a"
    server.write(f"access_log {log} combined flush=50ms;" + HELLO)
    server.start()
    server.raw(b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\t\"x\\\r\n\r\n")
    wait_until(lambda: log.read_text(), "a line")
    assert r'"\xFF\x09\x22x\x5C"' in log.read_text()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_stops_nobody(server):
    server.write("access_log /dev/full combined buffer=256 flush=10ms;" + HELLO)
    server.start()
    with server.connect() as connection:
        for _ in range(200):
            assert connection.get().status == 200
    server.wait_log(r"/dev/full.*(No space|dropped)")


def test_a_pipe_nobody_reads_stops_nobody(server):
    pipe = server.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    server.write("keepalive_requests 10000;"
                 f"access_log {pipe} combined buffer=1k flush=10ms;" + HELLO)
    server.start()
    with server.connect() as connection:
        for _ in range(3000):
            assert connection.get().status == 200
    os.close(reader)


def test_a_pipe_that_is_read_gets_every_line(server):
    """Its 64 KiB hold a fraction of what is written at once, and at the end."""
    count = 2000
    pipe = server.folder / "pipe"
    os.mkfifo(pipe)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(open(pipe, "rb")))
    reader.start()
    server.write("keepalive_requests 10000; access_log "
                 f"{pipe} combined buffer=256k flush=1h;" + HELLO)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(PATIENCE)
        for number in range(count):
            last = number == count - 1
            client.sendall(
                b"GET /%0200d HTTP/1.1\r\nHost: a\r\n%s\r\n"
                % (number, b"Connection: close\r\n" if last else b""))
        while client.recv(65536):
            pass
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0
    reader.join(PATIENCE)
    assert [int(re.search(rb"GET /(\d+)", line)[1]) for line in lines
            ] == list(range(count))


def test_an_access_log_that_cannot_be_opened_is_an_error(server):
    server.write("access_log /nonexistent/folder/log;" + HELLO)
    server.may_alert = True
    done = server.run()
    assert done.returncode == 1
    assert "/nonexistent/folder/log" in done.stderr
    assert "No such file" in done.stderr


@pytest.mark.quick
def test_logs_that_cannot_be_opened_are_told_with_all_other_errors(server):
    server.write(f"""
        access_log /nonexistent/folder/log;
        server {{
            listen 127.0.0.1:PORT;
            location /a {{ access_log {server.folder}; }}
            location /b {{ access_log {server.folder}/fine; }}
            lisen 1;
        }}""", main="error_log /nonexistent/error;")
    done = server.run("-t")
    assert done.returncode == 1
    path = re.escape(str(server.configuration))
    for pattern in (r"cannot write the error log /nonexistent/error: .* in %s:1:\d+",
                    r"cannot write the access log /nonexistent/folder/log: No such "
                    r"file or directory.* in %s:\d+:\d+",
                    r"cannot write the access log \S+: Is a directory.* in %s:\d+",
                    r'unknown directive "lisen" in %s:\d+'):
        assert re.search(pattern % path, done.stderr), (pattern, done.stderr)
    assert done.stderr.count("[emerg]") == 4
    assert "syntax is ok" not in done.stderr
    assert not (server.folder / "fine").exists()


@pytest.mark.quick
def test_error_log_lines_have_nginx_form(server):
    root = server.folder
    server.write(f"""server {{ listen 127.0.0.1:PORT; server_name me;
                     root {root}/none; }}""")
    server.start()
    server.get("/missing", host="me")
    line = server.wait_log(r".*missing.*")
    assert re.match(
        r'^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] \d+#\d+: \*\d+ .*'
        r'"/.*/none/missing".*\(2: No such file or directory\), '
        r'client: 127\.0\.0\.1, server: me, '
        r'request: "GET /missing HTTP/1\.1", host: "me"$', line)


def test_log_not_found_off(server):
    server.write(f"""server {{ listen 127.0.0.1:PORT; log_not_found off;
                     root {server.folder}/none; }}""")
    server.start()
    assert server.get("/missing").status == 404
    assert "missing" not in server.log()


def test_error_log_levels_and_several_logs(server):
    loud = server.folder / "loud.log"
    server.write(
        main=f"error_log {server.log_file} error; error_log {loud} info;")
    server.start()
    server.raw(b"nonsense\r\n\r\n")
    wait_until(lambda: "client: 127.0.0.1" in loud.read_text(), "the line")
    assert "[info]" not in server.log()


def test_error_log_of_a_location(server):
    own = server.folder / "own.log"
    server.write(f"""server {{ listen 127.0.0.1:PORT;
        root {server.folder}/none;
        location /own {{ error_log {own} error; }} }}""")
    server.start()
    server.get("/own/x")
    wait_until(lambda: "/own/x" in own.read_text(), "the line in its own log")
    assert "/own/x" not in server.log()


@pytest.mark.parametrize("main", ["", "daemon on;", "master_process off;"])
def test_what_is_wrong_at_start_is_in_the_configured_log(server, main):
    """-e is the log until the configuration has been read."""
    configured = server.folder / "configured.log"
    with socket.create_server(("127.0.0.1", server.port)):
        server.write(main=f"{main} error_log {configured};")
        done = server.run()
    assert done.returncode == 1
    line = rf"\[emerg\].*127\.0\.0\.1:{server.port}.*in use"
    assert len(re.findall(line, configured.read_text())) == 1
    assert len(re.findall(line, done.stderr)) == 1
    assert not re.search(line, server.log())


def test_and_once_where_that_is_standard_error(server):
    with socket.create_server(("127.0.0.1", server.port)):
        server.write(main="error_log stderr;")
        done = server.run()
    assert done.returncode == 1
    assert len(re.findall(r"\[emerg\].*in use", done.stderr)) == 1


def test_an_error_in_the_configuration_is_in_the_log_of_the_command_line(server):
    configured = server.folder / "configured.log"
    server.write(main=f"error_log {configured}; lokation;")
    done = server.run()
    assert done.returncode == 1
    assert re.search(r"\[emerg\].*lokation", server.log())
    assert re.search(r"\[emerg\].*lokation", done.stderr)
    assert not configured.exists()


def test_a_log_rotated_during_a_trial_stays_rotated(server):
    """The next generation has its files open already, but does not own them."""
    main = f"error_log {server.log_file} notice; reload_canary 20% 2s;"
    server.write(main=main)
    server.start()
    rotated = server.folder / "error.log.1"
    with admin.Events(server) as events:
        server.signal(signal.SIGHUP)
        events.until("reload_canary")
        server.log_file.rename(rotated)
        server.signal(signal.SIGUSR1)
        wait_until(server.log_file.exists, "the log to be opened anew")
        events.until("reload_done")
    server.signal(signal.SIGTTIN)
    wait_until(lambda: "scaling from 2 to 3" in server.log()
               + rotated.read_text(), "a line of the primary")
    assert "scaling from 2 to 3" in server.log()


def open_files(pid):
    paths = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            paths.add(os.readlink(entry))
    return paths


@pytest.mark.parametrize("role", ["worker", "template", "admin"])
def test_who_has_no_descriptor_for_new_logs_gets_them_later(server, role):
    """And goes on with the old ones until then."""
    access = server.folder / "access.log"
    moved = server.folder / "access.log.1", server.folder / "error.log.1"
    server.write(f"access_log {access} combined flush=50ms;" + HELLO,
                 main=f"worker_processes 1; error_log {server.log_file} info;")
    server.start()
    admin.get(server, "/v1/status")  # the helper is there, too
    before = processes.children(server.pid)
    [pid] = processes.children(server.pid, role)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    access.rename(moved[0])
    server.log_file.rename(moved[1])
    server.signal(signal.SIGUSR1)
    wait_until(lambda: "no descriptors are free for the new log files"
               in moved[1].read_text() + server.log(), "the want to be told")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    server.wait_log("the new log files came")
    assert processes.children(server.pid) == before
    for one in before:
        wait_until(lambda: not open_files(one) & {str(path) for path in moved},
                   f"process {one} to let go of the old logs")
    [worker] = server.workers()
    server.may_alert = True
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: server.workers() not in ([], [worker]),
               "another worker")
    assert server.get().status == 200
    wait_until(lambda: " 200 5 " in access.read_text(), "its line")


def test_a_verdict_that_the_template_could_not_be_told(server):
    """What it forks from then on would write to the old files."""
    server.write(HELLO)
    server.start()
    [template] = server.templates()
    os.kill(template, signal.SIGSTOP)
    statuses = [admin.ask(server, "POST", "/v1/reopen").status]
    while statuses[-1] == 200 and len(statuses) < 5000:
        statuses.append(admin.ask(server, "POST", "/v1/reopen").status)
    assert statuses[-1] == 500
    server.wait_log(r"cannot tell the template of generation 1 of the new log")
    os.kill(template, signal.SIGCONT)
    wait_until(lambda: admin.ask(server, "POST", "/v1/reopen").status == 200,
               "the template to be told again")


def test_standard_error_outlives_a_log_that_can_be_opened_later(server):
    server.log_file = server.folder / "logs" / "error.log"
    server.write(main="# without an error_log\n")
    server.command = lambda: [
        str(BINARY), "-p", str(server.folder), "-c", str(server.configuration)]
    server.start()
    server.may_alert = True  # of the configuration below
    before = os.readlink(f"/proc/{server.pid}/fd/2")
    server.log_file.parent.mkdir()
    server.signal(signal.SIGUSR1)
    wait_until(server.log_file.exists, "the log")
    server.write(main="lokation; # without an error_log\n")
    server.signal(signal.SIGHUP)
    server.wait_log("lokation")
    assert os.readlink(f"/proc/{server.pid}/fd/2") == before
