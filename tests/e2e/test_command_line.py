"""nginx's command line, the errors of a start, the pid file, the daemon."""

import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

import processes
from conftest import BINARY, PATIENCE, wait_until
from programs import BUILD


def run(*arguments, **options):
    return subprocess.run([str(BINARY), *arguments], capture_output=True,
                          text=True, timeout=60, stdin=subprocess.DEVNULL,
                          **options)


@pytest.mark.quick
def test_v():
    done = run("-v")
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"cohort version: cohort/\d+\.\d+\.\d+", lines[0])
    assert lines[1] == "nginx version: nginx/1.29.0 (compatible)"


def test_big_v():
    done = run("-V")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("cohort version: ")
    assert lines[1].startswith("nginx version: ")
    assert lines[-1].startswith("configure arguments:")


def test_h():
    done = run("-h")
    assert done.returncode == 0
    for option in "-c -p -e -g -t -T -q -s -v -V -h".split():
        assert option in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["return", "listen", "worker_processes",
                                  "access_log", "keepalive_timeout", "include"])
def test_h_of_a_directive(name):
    done = run("-h", name)
    assert done.returncode == 0
    assert name in done.stdout
    assert len(done.stdout.splitlines()) >= 3


@pytest.mark.parametrize("name", [
    "use", "multi_accept", "accept_mutex", "accept_mutex_delay",
    "worker_aio_requests", "debug_connection", "debug_points", "lock_file",
    "pcre_jit", "thread_pool", "timer_resolution"])
def test_h_of_a_directive_without_effect_says_so_and_why(name):
    told = run("-h", name).stdout
    assert re.search(r"has no effect here\. [A-Z].+\.$", told, re.M), told


def test_a_misspelled_include_is_understood(server):
    server.write(main="incldue other.conf;")
    assert 'did you mean "include"?' in server.run("-t").stderr


def test_h_of_an_unknown_directive_names_the_nearest():
    done = run("-h", "retrun")
    assert done.returncode == 1
    assert "return" in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["-x"], ["-s"], ["-s", "dance"], ["-c"],
                                       ["word"]])
def test_bad_options_are_refused_with_a_hint(arguments):
    done = run(*arguments)
    assert done.returncode == 1
    assert "-h" in done.stderr


@pytest.mark.parametrize("option", ["-t", "-s"])
def test_e_is_created_if_nothing_is_written_to_it(server, option):
    server.write(main="error_log stderr;")
    named = server.folder / "named.log"
    server.run(*{"-t": ["-t"], "-s": ["-s", "stop"]}[option], "-e", "named.log")
    assert named.read_text() == ""


def test_e_that_cannot_be_opened_is_told(server):
    server.write(main="error_log stderr;")
    done = server.run("-t", "-e", "/nonexistent/e.log")
    assert done.returncode == 0  # another one is named
    assert ('[alert] could not open error log file: open() '
            '"/nonexistent/e.log" failed (2: No such file') in done.stderr
    text = server.configuration.read_text()
    server.configuration.write_text(text.replace("error_log stderr;", ""))
    done = server.run("-t", "-e", "/nonexistent/e.log")
    assert done.returncode == 1
    assert "[emerg]" in done.stderr
    assert "cannot open the log file /nonexistent/e.log" in done.stderr


@pytest.mark.quick
def test_t(server):
    server.write()
    done = server.run("-t")
    assert done.returncode == 0
    path = server.configuration
    assert f"the configuration file {path} syntax is ok" in done.stderr
    assert f"configuration file {path} test is successful" in done.stderr
    assert not server.pid_file.exists()


def test_t_q_is_silent(server):
    server.write()
    done = server.run("-t", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_t_beside_the_running_server(hello):
    done = hello.run("-t")
    assert done.returncode == 0, done.stderr
    assert hello.pid_file.read_text().strip() == str(hello.pid)
    assert hello.get().status == 200


def test_big_t_dumps_every_file_once(server):
    inner = server.folder / "inner.conf"
    inner.write_text("# a comment\n    return 200 x;\n")
    server.write(f"""server {{ listen 127.0.0.1:PORT;
        location /a {{ include inner.conf; }}
        location /b {{ include {inner}; }} }}""")
    done = server.run("-T")
    assert done.returncode == 0
    assert f"# configuration file {server.configuration}:\n" + \
        server.configuration.read_text() in done.stdout
    assert done.stdout.count("# a comment") == 1


@pytest.mark.quick
def test_all_errors_are_told_with_their_place(server):
    server.may_alert = True
    server.write("""
        server {
            listen 127.0.0.1:PORT;
            locatoin / { return 200 x; }
            keepalive_timeout banana;
            return 200 a b c;
        }
        index;""")
    done = server.run("-t")
    assert done.returncode == 1
    text = done.stderr
    path = re.escape(str(server.configuration))
    for pattern in (r'unknown directive "locatoin" in %s:\d+',
                    r'invalid value "banana" in %s:\d+',
                    r'invalid number of arguments in "return" directive in %s:\d+',
                    r'invalid number of arguments in "index" directive in %s:\d+'):
        assert re.search(pattern % path, text), (pattern, text)
    assert 'location' in text
    assert "test failed" in text


@pytest.mark.parametrize("text, message", [
    ("http { server { listen 127.0.0.1:1; }", 'unexpected end of file'),
    ("http { } }", 'unexpected "}"'),
    ("events { } events { }", "duplicate"),
    ("worker_processes 1; worker_processes 2; events { }", "duplicate"),
    ("server { } events { }", "not allowed here"),
    ("http { worker_processes 2; } events { }", "not allowed here"),
    ("include missing.conf; events { }", "missing.conf"),
    ("user nobody-by-this-name; events { }", "nobody-by-this-name"),
    ("error_log /nonexistent/x; events { }", "/nonexistent/x"),
    ("worker_processes zero; events { }", "worker_processes"),
    ("worker_processes 0; events { }", "worker_processes"),
    ("scheduling_policy dance; events { }", "scheduling_policy"),
    ('events { } http { server { listen 127.0.0.1:99999; } }', "99999"),
    ("events { worker_connections -1; }", "worker_connections"),
    pytest.param("x" * 70000 + ";", "too long",
                 id="a word that is too long"),
    ("http { server { listen 127.0.0.1:18000 ssl; } } events { }", "ssl"),
    ("http { server { location / { fastcgi_pass x; } } } events { }",
     "fastcgi_pass"),
])
def test_a_broken_configuration(server, text, message):
    server.may_alert = True
    server.write()
    server.configuration.write_text(text)
    done = server.run()
    assert done.returncode == 1
    assert message in done.stderr, done.stderr
    assert re.search(r"cohort\.conf:\d+", done.stderr)
    assert not server.pid_file.exists()


def test_a_missing_configuration(server):
    done = server.run()
    assert done.returncode == 1
    assert str(server.configuration) in done.stderr
    assert (f'open() "{server.configuration}" failed (2: No such file or '
            'directory)') in done.stderr
    assert "with -c" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unreadable_configuration(server):
    server.configuration.mkdir()
    done = server.run()
    assert done.returncode == 1
    assert str(server.configuration) in done.stderr
    assert "irectory" in done.stderr


def test_a_busy_port_names_the_address_and_the_holder(server, make_server):
    other = make_server()
    other.write()
    other.start()
    server.may_alert = True
    server.port = other.port
    server.write()
    done = server.run()
    assert done.returncode == 1
    assert f"127.0.0.1:{other.port}" in done.stderr
    assert "in use" in done.stderr
    assert str(other.pid) in done.stderr
    assert other.get().status == 200
    assert not server.pid_file.exists()


def test_a_holder_on_all_addresses_of_both_families_is_named(server):
    server.may_alert = True
    server.write()
    with socket.socket(socket.AF_INET6) as holder:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        holder.bind(("::", server.port))
        holder.listen()
        done = server.run()
    assert done.returncode == 1
    assert f"(process {os.getpid()})" in done.stderr


@pytest.mark.quick
def test_the_same_server_started_twice_is_told_so(hello):
    hello.may_alert = True
    done = hello.run()
    assert done.returncode == 1
    assert (f"another instance runs: process {hello.pid} holds the pid file "
            f"{hello.pid_file}") in done.stderr
    assert "in use" not in done.stderr
    assert hello.get().status == 200
    assert hello.pid_file.exists()


@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_two_instances_never_share_an_address(server, make_server, policy):
    other = make_server()
    other.write(main=f"scheduling_policy {policy};")
    other.start()
    server.may_alert = True
    server.port = other.port
    server.write(main=f"scheduling_policy {policy};")
    assert server.run().returncode == 1


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to lose it")
def test_a_port_below_1024_without_the_right():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        done = run(
            "-p", folder, "-e", "stderr", "-g",
            "daemon off; pid pid; error_log stderr; worker_processes 1;",
            "-c", _write(folder, "events { } http { access_log off; server {"
                         " listen 127.0.0.1:7; return 200 x; } }"),
            user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1
    assert "127.0.0.1:7" in done.stderr
    assert "1024" in done.stderr or "CAP_NET_BIND_SERVICE" in done.stderr


def _write(folder, text):
    path = os.path.join(folder, "port.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_g_sets_directives(server):
    server.write(main="error_log error.log info;")
    server.start("-g", "worker_shutdown_timeout 5s;")
    assert server.get().status == 200


def test_g_and_file_are_duplicates(server):
    server.may_alert = True
    server.write()
    done = server.run("-t", "-g", "worker_processes 3;")
    assert done.returncode == 1
    assert "duplicate" in done.stderr


@pytest.mark.parametrize("word, gone", [
    ("reload", False), ("reopen", False), ("quit", True), ("stop", True)])
def test_s(hello, word, gone):
    done = hello.run("-s", word)
    assert done.returncode == 0, done.stderr
    if gone:
        assert hello.process.wait(PATIENCE) == 0
        assert not hello.pid_file.exists()
    else:
        wait_until(lambda: hello.get().status == 200, "it to serve on")


def test_s_without_a_server(server):
    server.write()
    done = server.run("-s", "stop")
    assert done.returncode == 1
    assert str(server.pid_file) in done.stderr


def test_the_pid_file_of_a_living_instance_is_respected(server, make_server):
    other = make_server()
    other.write()
    other.start()
    server.may_alert = True
    server.write(main=f"pid {other.pid_file};")
    done = server.run()
    assert done.returncode == 1
    assert str(other.pid) in done.stderr
    assert other.pid_file.read_text().strip() == str(other.pid)


def test_a_stale_pid_file_is_taken_over(server):
    server.pid_file.write_text("1\n")  # lives, but is not ours
    server.write()
    server.start()
    wait_until(lambda: server.pid_file.read_text().strip() == str(server.pid),
               "our pid")


def test_a_stale_unix_socket_is_replaced(server):
    path = server.folder / "sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    server.write(f"server {{ listen unix:{path}; return 200 x; }}")
    server.start()
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(path))


def test_a_living_unix_socket_is_not(server):
    server.may_alert = True
    path = server.folder / "sock"
    living = socket.socket(socket.AF_UNIX)
    living.bind(str(path))
    living.listen()
    server.write(f"server {{ listen unix:{path}; return 200 x; }}")
    done = server.run()
    assert done.returncode == 1
    assert f"unix:{path}: address already in use" in done.stderr
    assert f"(process {os.getpid()})" in done.stderr
    assert path.exists()
    living.close()


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone(server):
    server.may_alert = True
    path = server.folder / "sock"
    path.write_text("precious")
    server.write(f"server {{ listen unix:{path}; return 200 x; }}")
    done = server.run()
    assert done.returncode == 1
    assert "what is there is no socket" in done.stderr
    assert path.read_text() == "precious"


def test_anybody_may_connect_to_a_unix_socket(server):
    """Whatever the umask: the folder says who gets there, as in nginx."""
    path = server.folder / "sock"
    server.write(f"server {{ listen unix:{path}; return 200 x; }}")
    server.spawn(wrapper=("/bin/sh", "-c", 'umask 077; exec "$@"', "sh"))
    server.wait_ready()
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    path.chmod(0o600)
    assert server.run("-s", "reload").returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_default_error_log_that_cannot_be_had_is_told(server):
    server.write()
    text = server.configuration.read_text()
    server.configuration.write_text(re.sub("error_log .*;", "", text))
    done = run("-p", server.folder, "-c", server.configuration, "-t")
    assert done.returncode == 0
    assert re.search(
        rf"\[warn\] cannot open the log file {server.folder}/.*: No such file or "
        "directory; standard error takes its place", done.stderr)


def test_daemon(server):
    server.write(main=f"daemon on; pid {server.pid_file};")
    done = server.run()
    assert done.returncode == 0, done.stderr
    pid = int(server.pid_file.read_text())
    family = [pid, *processes.descendants(pid)]
    try:
        assert processes.parent(pid) != os.getpid()
        wait_until(lambda: server.get().status == 200, "it to serve")
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")
    assert not server.pid_file.exists()


def test_daemon_tells_its_errors_and_fails(server, free_port):
    server.may_alert = True
    port = free_port()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        server.port = port
        server.write(main="daemon on;")
        done = server.run()
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert not server.pid_file.exists()


# Executes a program whose children vanish unseen unless it minds.
IGNORING = ("env", "--ignore-signal=CHLD")


def test_daemon_though_sigchld_is_ignored(server):
    server.write(main="daemon on;")
    server.spawn(wrapper=IGNORING)
    assert server.process.wait(PATIENCE) == 0, server.printed()
    pid = int(server.pid_file.read_text())
    family = [pid, *processes.descendants(pid)]
    try:
        worker = processes.children(pid, "worker")[0]
        server.may_alert = True
        os.kill(worker, signal.SIGKILL)
        server.wait_log(f"worker process {worker} exited on signal 9")
    finally:
        family += processes.descendants(pid)
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")


def test_master_process_off_though_sigchld_is_ignored(server):
    server.write(main="master_process off;")
    server.spawn(wrapper=IGNORING)
    server.wait_log("serving in one process")
    assert processes.descendants(server.pid) == []


def test_and_in_a_program_that_ignores_it(server, free_port):
    """Which goes on to do so: it is the program's."""
    (server.folder / "extra.conf").write_text("")
    program = BUILD / "tests" / "embed" / "asking"
    output = server.folder / "output"
    with open(output, "w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [*IGNORING, str(program), str(free_port()), "/no/admin",
             "master_process off;"], cwd=server.folder, stderr=sink,
            stdin=subprocess.DEVNULL, stdout=sink)
    try:
        wait_until(lambda: "serving in one process" in output.read_text(),
                   "it to serve")
        assert processes.descendants(process.pid) == []
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        ignored = int(re.search(r"SigIgn:\s*(\w+)", status)[1], 16)
        assert ignored >> (signal.SIGCHLD - 1) & 1
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_standard_descriptors_may_be_closed(server):
    server.write()
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *server.command()])
    try:
        wait_until(server.pid_file.exists, "the pid file")
        wait_until(lambda: server.get().status == 200, "it to serve")
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_titles_are_readable(hello):
    assert "primary" in processes.title(hello.pid)
    assert len(processes.children(hello.pid, "worker")) == 2
    assert len(processes.children(hello.pid, "template")) == 1


def test_relative_paths_start_at_the_prefix(server):
    (server.folder / "www").mkdir()
    (server.folder / "www" / "a").write_text("relative")
    server.write("server { listen 127.0.0.1:PORT; root www; }",
                 main="pid cohort.pid; error_log error.log;")
    server.start()
    assert server.get("/a").body == b"relative"
    assert server.log_file.exists()


# Starts a program in a folder that has gone by then.
FROM_NOWHERE = ("/bin/sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"')


def _nowhere(server):
    folder = server.folder / "gone"
    folder.mkdir()
    return [*FROM_NOWHERE, str(folder)]


def test_the_current_folder_need_not_be_there(server):
    server.write()
    server.spawn(wrapper=tuple(_nowhere(server)))
    server.wait_ready()
    for option in ("-t", "-sreload"):
        done = subprocess.run(
            [*_nowhere(server), *server.command(option)], text=True,
            capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


def test_a_relative_prefix_needs_it(server):
    done = subprocess.run(
        [*_nowhere(server), str(BINARY), "-t", "-p", "site"], text=True,
        capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "cannot find the current directory: No such file" in done.stderr
    assert "-p" in done.stderr


def test_the_default_access_log_is_below_the_prefix(server):
    (server.folder / "logs").mkdir()
    server.write("server { listen 127.0.0.1:PORT; return 200 x; }")
    text = server.configuration.read_text().replace("access_log off;", "")
    server.configuration.write_text(text)
    server.start()
    assert server.get().status == 200
    assert (server.folder / "logs" / "access.log").exists()


def test_master_process_off(server):
    server.write(main="master_process off;")
    server.spawn()
    wait_until(lambda: _answers(server), "it to serve")
    assert processes.descendants(server.pid) == []
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0


def _answers(server):
    try:
        return server.get().status == 200
    except OSError:
        return False


def test_worker_processes_auto_obeys_affinity(server):
    server.write(main="worker_processes auto;")
    one = [sorted(os.sched_getaffinity(0))[0]]
    server.command = lambda *a, base=server.command: [
        "taskset", "-c", str(one[0]), *base(*a)]
    server.start()
    assert len(server.workers()) == 1
