"""Services under conditions that a service manager meets once in a while: many at once, deaths, held pipes, no descriptors left."""

import json
import os
import pathlib
import random
import resource
import signal

import pytest
from conftest import FULL, until

COUNT = 500 if FULL else 200


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def plan(services):
    lines = ["services:"]
    for name, keys in services.items():
        keys = keys if isinstance(keys, dict) else {"command": keys}
        lines.append(f"  {name}:\n    override: replace")
        lines += [f"    {key}: {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def sh(script):
    return "/bin/sh -c '" + script.replace("'", "'\\''") + "'"


def pids(daemon):
    return {s["name"]: s["details"]["pid"] for s in daemon.get("/v1/services") if "pid" in s.get("details", {})}


def last_line(daemon, name):
    status, body = daemon.request("GET", f"/v1/logs?services={name}&n=-1")
    lines = body.decode().splitlines()
    return json.loads(lines[-1])["message"] if lines else ""


def test_many_services_at_once(daemon):
    daemon.layer("001-many.yaml", plan({f"s{i:04}": {"command": "sleep 1000", "startup": "enabled"} for i in range(COUNT)}))
    daemon.start("--hold")
    change = daemon.services_action("autostart", wait=False)
    assert daemon.get(f"/v1/changes/{change}/wait?timeout=60s")["status"] == "Done"
    running = pids(daemon)
    assert len(running) == COUNT and all(alive(pid) for pid in running.values())
    assert all(os.getpgid(pid) == pid for pid in running.values())
    assert daemon.services_action("stop", running)["status"] == "Done"
    assert {s["current"] for s in daemon.get("/v1/services")} == {"inactive"}
    assert not any(os.path.exists(f"/proc/{pid}") for pid in running.values())
    assert daemon.services_action("start", list(running)[:10])["status"] == "Done"
    running = pids(daemon)
    assert daemon.stop() == 0
    assert not any(alive(pid) for pid in running.values())


def test_random_deaths(daemon):
    service = {"command": "sleep 1000", "backoff-delay": "10ms", "backoff-limit": "10ms"}
    daemon.layer("001-mortal.yaml", plan({f"s{i}": service for i in range(10)}))
    daemon.start("--hold")
    assert daemon.services_action("start", [f"s{i}" for i in range(10)])["status"] == "Done"
    chosen = random.Random(7)
    for _ in range(100):
        name = f"s{chosen.randrange(10)}"
        old = until(lambda: pids(daemon).get(name), f"{name} to run")
        os.kill(old, signal.SIGKILL)
        until(lambda: pids(daemon).get(name, old) != old, f"{name} to come back")
        assert not alive(old)
    restarts = sum(s["details"]["restarts"] for s in daemon.get("/v1/services"))
    assert restarts == 100
    now = pids(daemon)
    assert len(now) == 10
    children = pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text().split()
    assert sorted(map(int, children)) == sorted(now.values())


def test_grandchild_that_holds_the_pipe(daemon):
    script = "(exec setsid sh -c \"echo \\$\\$; trap : TERM; while :; do sleep 0.1; done\") & sleep 1000 & wait"
    daemon.layer("001-holder.yaml", plan({"holder": {"command": sh(script), "kill-delay": "300ms", "on-failure": "ignore"}}))
    daemon.start("--hold")
    try:
        assert daemon.services_action("start", ["holder"])["status"] == "Done"
        holder = int(last_line(daemon, "holder").split()[-1])
        main = daemon.service("holder")["details"]["pid"]
        os.kill(main, signal.SIGKILL)
        until(lambda: daemon.service("holder")["current"] == "error", "the end to be seen")
        assert alive(holder)
        assert daemon.services_action("start", ["holder"])["status"] == "Done"
        assert daemon.services_action("stop", ["holder"])["status"] == "Done"
    finally:
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"PEBBLE={daemon.pebble}".encode() in path.read_bytes() and int(path.parent.name) != daemon.process.pid:
                    os.kill(int(path.parent.name), signal.SIGKILL)
            except (OSError, ProcessLookupError):
                pass


def test_stop_leaves_nobody_of_the_group(daemon):
    script = "sh -c \"trap : TERM; echo \\$\\$; while :; do sleep 0.05; done\" & trap \"exit 0\" TERM; wait"
    daemon.layer("001-group.yaml", plan({"group": {"command": sh(script), "kill-delay": "300ms"}}))
    daemon.start("--hold")
    assert daemon.services_action("start", ["group"])["status"] == "Done"
    child = int(last_line(daemon, "group").split()[-1])
    assert alive(child)
    assert daemon.services_action("stop", ["group"])["status"] == "Done"
    until(lambda: not alive(child), "the child to be gone")


def test_no_descriptors_left(daemon):
    services = {f"s{i:02}": "sleep 1000" for i in range(100)}
    daemon.layer("001-many.yaml", plan({**services, "back": {"command": "sleep 1000", "backoff-delay": "20ms", "backoff-limit": "20ms"}}))

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    daemon.start("--hold", preexec_fn=limit)
    assert daemon.services_action("start", ["back"])["status"] == "Done"
    change = daemon.services_action("start", services)
    assert change["status"] == "Error"
    assert "too many open files" in change["err"]
    failed = change["err"].count("- Start service")
    running = [s for s in daemon.get("/v1/services") if s["current"] == "active"]
    assert len(running) == 101 - failed
    old = daemon.service("back")["details"]["pid"]
    os.kill(old, signal.SIGKILL)
    until(lambda: pids(daemon).get("back", old) != old, "a restart on reserved descriptors")
    assert daemon.services_action("stop", [s["name"] for s in running])["status"] == "Done"
    assert daemon.services_action("start", ["s99"])["status"] == "Done"


def test_stop_wins_over_a_restart_by_a_check(daemon):
    daemon.layer("001-checked.yaml", plan({"checked": {"command": sh("trap \"sleep 0.5; exit\" TERM; while :; do sleep 0.02; done"),
                                                       "on-check-failure": {"bad": "restart"}}})
                 + "checks:\n  bad:\n    override: replace\n    startup: disabled\n    period: 50ms\n    threshold: 1\n    exec: {command: 'false'}\n")
    daemon.start("--hold")
    assert daemon.services_action("start", ["checked"])["status"] == "Done"
    daemon.request("POST", "/v1/checks", {"action": "start", "checks": ["bad"]})
    until(lambda: daemon.service("checked")["current"] == "inactive", "the termination")
    daemon.request("POST", "/v1/checks", {"action": "stop", "checks": ["bad"]})
    assert daemon.services_action("stop", ["checked"])["status"] == "Done"
    until(lambda: "pid" not in daemon.service("checked")["details"], "the end of the process")
    assert "restarting" not in daemon.log().split("terminating process before restarting")[1]
    assert daemon.service("checked")["current"] == "inactive"


@pytest.mark.parametrize("action, code", [("shutdown", 10), ("success-shutdown", 0)])
def test_a_service_that_ends_the_daemon_takes_all_others_along(daemon, action, code):
    services = {f"s{i}": {"command": sh("trap \"\" TERM; while :; do sleep 0.02; done"), "kill-delay": "100ms", "startup": "enabled"} for i in range(20)}
    daemon.layer("001-end.yaml", plan({**services, "end": {"command": sh("exit 3"), "on-failure": action, "startup": "enabled"}}))
    daemon.start(wait=False)
    assert daemon.process.wait(60) == code
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            assert f"PEBBLE={daemon.pebble}".encode() not in path.read_bytes()
        except OSError:
            pass


def test_services_that_outlive_a_killed_daemon_are_ended_before_they_start_again(daemon):
    daemon.layer("001-pair.yaml", plan({"a": "sleep 1000", "b": "sleep 1000"}))
    daemon.start("--hold")
    assert daemon.services_action("start", ["a", "b"])["status"] == "Done"
    old = pids(daemon)
    daemon.kill()
    assert alive(old["a"]) and alive(old["b"])
    daemon.start("--hold")
    try:
        assert daemon.service("a")["current"] == "inactive"
        assert daemon.services_action("start", ["a"])["status"] == "Done"
        assert not alive(old["a"])
        assert alive(old["b"])
    finally:
        os.kill(old["b"], signal.SIGKILL)
