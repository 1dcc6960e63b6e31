"""Starting and ending a daemon, in and out of order, without leftovers (contract 09)."""

import os
import pathlib
import random
import signal
import socket
import subprocess

import pytest

from conftest import FULL, UnixConnection, until

LAYER = "services: {a: {override: replace, command: sleep 1000, startup: enabled}}\n"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a PID namespace")


def marked(mark):
    """The processes that have a variable in their environment: the daemon and what it started."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("services", [True, False], ids=["services", "none"])
def test_any_order_of_stops_and_kills_leaves_a_directory_to_start_in(daemon, services):
    """Whatever ends a daemon: the next one starts, and after an orderly end nothing is left. One without services is killed at any moment, one
    with a service when the service's process has been noted."""
    mark = daemon.env["COBBLE_TEST_MARK"] = f"{os.getpid()}-{random.random()}"
    daemon.layer("001-base.yaml", LAYER if services else "summary: nothing\n")
    numbers = random.Random(9)
    kept = {".pebble.state", "layers", "identity"}

    def exec_something():
        return subprocess.Popen([daemon.binary, "exec", "sleep", "1000"], env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def service_is_noted():
        pid = (daemon.service("a") or {}).get("details", {}).get("pid")
        noted = daemon.pebble / ".pebble.processes"
        return pid and noted.exists() and f'"pid":{pid}' in noted.read_text().replace(" ", "")

    for _ in range((1000 if FULL else 40) // 2):
        number = numbers.choice((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))
        wait = numbers.random() < 0.7 or (services and number == signal.SIGKILL)
        daemon.start(*numbers.choice(([], ["--http", "127.0.0.1:0", "--https", "127.0.0.1:0"])), wait=wait)
        client = exec_something() if numbers.random() < 0.3 else None
        if wait and numbers.random() < 0.3:
            daemon.process.send_signal(signal.SIGHUP)
        if services and number == signal.SIGKILL:
            until(service_is_noted, "the service to be noted")
        code = daemon.stop(number)
        if client:
            client.kill()
            client.wait()
        assert code in (0, -number), daemon.log()
        if code == 0:
            assert not daemon.socket.exists()
            assert {p.name for p in daemon.pebble.iterdir()} - {".pebble.processes"} <= kept
    daemon.start()
    if services:
        until(lambda: daemon.service("a")["current"] == "active", "the service runs")
    assert daemon.stop() == 0
    assert {p.name for p in daemon.pebble.iterdir()} == kept
    until(lambda: not marked(mark), "the end of all processes")


def test_a_second_daemon_leaves_the_first_alone(daemon):
    daemon.start("--hold")
    until((daemon.pebble / ".pebble.state").exists, "the first state file")
    before = (daemon.pebble / ".pebble.state").read_bytes()
    second = daemon.cli("run", check=False)
    assert second.returncode == 1
    assert f'cannot run daemon: when trying to listen on {daemon.socket}: socket "{daemon.socket}" already in use' in second.stderr
    assert daemon.get("/v1/services") == []
    assert (daemon.pebble / ".pebble.state").read_bytes() == before


def test_open_requests_neither_hold_the_end_up_nor_spoil_the_exit_code(daemon):
    daemon.layer("001-base.yaml", LAYER)
    daemon.start()
    clients = []
    for path in ("/v1/logs?follow=true", "/v1/notices?timeout=1h", "/v1/health"):
        client = UnixConnection(daemon.socket)
        client.request("GET", path)
        clients.append(client)
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(str(daemon.socket))
    silent.send(b"GET /v1/he")
    assert daemon.stop() == 0
    for client in (*clients, silent):
        client.close()


@needs_root
def test_as_pid_1_orphans_are_reaped(daemon):
    binary = daemon.binary
    wrapper = pathlib.Path(daemon.folder) / "as-pid-1"
    wrapper.write_text(f'#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc {binary} "$@"\n')
    wrapper.chmod(0o755)
    daemon.binary = str(wrapper)
    daemon.layer("001-base.yaml", "services: {a: {override: replace, command: 'sh -c \"(sleep 0.1 &) ; (true &) ; exec sleep 1000\"', startup: enabled}}\n")
    daemon.start()
    (inside,) = map(int, pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text().split())
    daemon.binary = binary

    def only_the_service():
        children = pathlib.Path(f"/proc/{inside}/task/{inside}/children").read_text().split()
        return len(children) == 1

    until(only_the_service, "orphans to be reaped")
    os.kill(inside, signal.SIGTERM)
    assert daemon.process.wait(60) == 0


def test_enter_ends_with_its_command(daemon):
    daemon.layer("001-base.yaml", LAYER)
    done = daemon.cli("enter", "exec", "sh", "-c", "echo out; exit 7", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "")
    done = daemon.cli("enter", "--run", "exec", "true")
    assert done.stdout == ""
    assert not daemon.socket.exists()


def test_identities_that_never_come_do_not_stop_the_end(daemon, tmp_path):
    os.mkfifo(tmp_path / "ids.yaml")
    daemon.start("--hold", "--identities", str(tmp_path / "ids.yaml"))
    assert daemon.stop() == 0


def test_notifications_in_order(daemon, tmp_path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(30)
    listener.bind(str(tmp_path / "notify"))
    daemon.env["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    daemon.start("--hold")
    assert listener.recv(100) == b"READY=1"
    assert daemon.stop() == 0
    assert listener.recv(100) == b"STOPPING=1"
    listener.close()


DEAF = """services: {a: {override: replace, command: "sh -c 'trap \\"\\" TERM; while :; do sleep 0.05; done'", startup: enabled, kill-delay: 10m}}\n"""


@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_time_for_the_stop_is_limited_and_told_to_systemd(daemon, tmp_path, by):
    """A service that may take ten minutes is killed after the time that was given for all."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(30)
    listener.bind(str(tmp_path / "notify"))
    daemon.env["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    daemon.layer("001-base.yaml", DEAF)
    if by == "variable":
        daemon.env["PEBBLE_STOP_TIMEOUT"] = "500ms"
    daemon.start(*(["--stop-timeout", "500ms"] if by == "option" else []))
    until(lambda: (daemon.service("a") or {}).get("current") == "active", "the service runs")
    pid = daemon.service("a")["details"]["pid"]
    assert daemon.stop() == 0
    assert not os.path.exists(f"/proc/{pid}")
    assert "Cannot stop running services: timeout stopping running services" in daemon.log()
    assert [listener.recv(100) for _ in range(3)] == [b"READY=1", b"EXTEND_TIMEOUT_USEC=15500000\nSTATUS=Stopping services", b"STOPPING=1"]
    listener.close()


@pytest.mark.parametrize("value", ["", "0s", "-5s", "5", "soon"])
def test_a_time_for_the_stop_must_be_a_time(daemon, value):
    given = daemon.cli("run", "--stop-timeout", value, check=False)
    assert given.returncode == 1 and "stop-timeout" in given.stderr
    daemon.env["PEBBLE_STOP_TIMEOUT"] = value
    if value:
        assert daemon.cli("run", check=False).stderr == f'error: PEBBLE_STOP_TIMEOUT must be a duration of more than 0s, not "{value}"\n'


def test_the_same_signal_again_hurries(daemon):
    daemon.layer("001-base.yaml", DEAF)
    daemon.start("--stop-timeout", "10m")
    until(lambda: (daemon.service("a") or {}).get("current") == "active", "the service runs")
    daemon.process.send_signal(signal.SIGTERM)
    until(lambda: "Stopping all running services." in daemon.log(), "the stop to begin")

    def again():
        if daemon.process.poll() is None:
            daemon.process.send_signal(signal.SIGTERM)
        return daemon.process.poll() is not None

    until(again, "the end", limit=30)
    assert daemon.process.returncode == 0


def test_what_the_parent_left_open_is_closed(daemon):
    reader, writer = os.pipe()
    daemon.layer("001-base.yaml", LAYER)
    daemon.start(pass_fds=(writer,))
    os.close(writer)
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b"", "nobody holds the other end"
    os.close(reader)


def test_signals_that_are_not_for_the_daemon_do_it_no_harm(daemon):
    daemon.layer("001-base.yaml", LAYER)
    daemon.start()
    until(lambda: (daemon.service("a") or {}).get("current") == "active", "the service runs")
    pid = daemon.service("a")["details"]["pid"]
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH, signal.SIGIO, signal.SIGXCPU, signal.SIGCHLD):
        daemon.process.send_signal(number)
        assert daemon.service("a")["details"]["pid"] == pid
    assert daemon.stop(signal.SIGQUIT) == 0
    assert "Exiting on quit signal." in daemon.log()


def test_the_readers_of_its_output_may_go(daemon):
    """Death by SIGPIPE would leave the services without a supervisor."""
    daemon.layer("001-base.yaml", 'services: {a: {override: replace, command: "sh -c \'while :; do echo x; sleep 0.01; done\'", startup: enabled}}\n')
    process = subprocess.Popen([daemon.binary, "run", "--verbose"], env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    daemon.process = process
    assert b" [a] x" in process.stdout.readline()
    process.stdout.close()
    process.stderr.close()
    until(daemon.answers, "the daemon to answer")
    for _ in range(20):
        assert daemon.request("GET", "/v1/services")[0] == 200
    assert daemon.stop() == 0


def test_arguments_are_refused_by_name(daemon):
    daemon.layer("001-base.yaml", LAYER)
    done = subprocess.run([daemon.binary, "run", "--args", "nosuch", "x"], env=daemon.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'cannot run daemon: service "nosuch" not found in plan' in done.stderr


def test_commands_and_checks_do_not_outlive_a_killed_daemon(daemon, tmp_path):
    """Nobody would end them at their timeout; services are ended by the next daemon."""
    daemon.layer("001-base.yaml", f"checks: {{c: {{override: replace, timeout: 10m, period: 10m, threshold: 1, exec: {{command: \"sh -c 'echo $$ > {tmp_path}/check; exec sleep 1000'\"}}}}}}\n")
    daemon.start("--hold")
    client = subprocess.Popen([daemon.binary, "exec", "sh", "-c", f"echo $$ > {tmp_path}/exec; exec sleep 1000"], env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    refresh = subprocess.Popen([daemon.binary, "check", "c", "--refresh"], env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files = tmp_path / "exec", tmp_path / "check"
    until(lambda: all(file.exists() and file.read_text().strip() for file in files), "both to run")
    pids = [int(file.read_text()) for file in files]
    daemon.kill()
    until(lambda: not any(os.path.exists(f"/proc/{pid}/cwd") for pid in pids), "both to end")
    for process in (client, refresh):
        process.kill()
        process.wait()
