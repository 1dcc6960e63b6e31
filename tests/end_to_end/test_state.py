"""The state file under bad luck: what was acknowledged is never lost, and the daemon goes on whatever the disk does."""

import json
import os
import resource
import threading

import pytest

from conftest import until


def notify(daemon, key, **more):
    status, reply = daemon.request("POST", "/v1/notices", {"action": "add", "type": "custom", "key": key, **more})
    assert status == 200, reply
    return reply["result"]["id"]


def state_of(daemon):
    return daemon.pebble / ".pebble.state"


def stored(daemon):
    """The state file's document; it can be read at any time."""
    return json.loads(state_of(daemon).read_text())


class Notifier(threading.Thread):
    """Adds notices one after another until the daemon is gone; remembers those that were acknowledged."""

    def __init__(self, daemon, name):
        super().__init__()
        self.daemon_under_test = daemon
        self.label = name
        self.acknowledged = []
        self.start()

    def run(self):
        number = 0
        while True:
            key = f"example.com/{self.label}-{number}"
            try:
                notify(self.daemon_under_test, key, data={"n": str(number)})
            except (OSError, EOFError, ValueError):
                return
            except Exception as error:  # http.client's own errors when the connection breaks off
                if type(error).__module__ != "http.client":
                    raise
                return
            self.acknowledged.append(key)
            number += 1


def test_nothing_acknowledged_is_lost_by_twenty_kills(daemon):
    acknowledged = set()
    last_id = 0
    for life in range(20):
        daemon.start("--hold")
        notifiers = [Notifier(daemon, f"life{life}-{i}") for i in range(3)]
        until(lambda: sum(len(n.acknowledged) for n in notifiers) >= 5 + life, "some notices")
        daemon.kill()
        for notifier in notifiers:
            notifier.join()
            acknowledged.update(notifier.acknowledged)
        document = stored(daemon)
        assert acknowledged <= {n["key"] for n in document["notices"]}
        assert document["last-notice-id"] >= last_id
        last_id = document["last-notice-id"]
    daemon.start("--hold")
    assert acknowledged <= {n["key"] for n in daemon.get("/v1/notices")}
    assert int(notify(daemon, "example.com/after")) > last_id
    left = [p.name for p in daemon.pebble.iterdir() if p.name.endswith("~")]
    assert left == []


def test_changes_survive_a_kill_and_numbers_go_on(daemon):
    daemon.start("--hold")
    number = daemon.request("POST", "/v1/services", {"action": "replan"})[1]["change"]
    daemon.kill()
    assert stored(daemon)["changes"][number]["summary"] == "Replan - no services"
    daemon.start("--hold")
    assert daemon.get(f"/v1/changes/{number}")["status"] == "Done"
    assert daemon.request("POST", "/v1/services", {"action": "replan"})[1]["change"] == str(int(number) + 1)


def test_a_command_is_on_disk_soon(daemon):
    daemon.start("--hold")
    reply = daemon.request("POST", "/v1/exec", {"command": ["/bin/sleep", "1000"]})[1]
    until(lambda: state_of(daemon).exists() and reply["change"] in stored(daemon)["changes"], "the change to be stored")
    assert daemon.request("POST", f"/v1/changes/{reply['change']}", {"action": "abort"})[0] == 200
    daemon.get(f"/v1/changes/{reply['change']}/wait")
    until(lambda: stored(daemon)["tasks"][reply["result"]["task-id"]]["status"] == 9, "the end to be stored")


@pytest.mark.parametrize("text", ["", "garbage", '{"data":{"patch-level":2},"changes":{"1":{"id"', '{"changes":[1]}'])
def test_a_damaged_file_is_kept_aside_and_said(daemon, text):
    state_of(daemon).write_text(text)
    daemon.start("--hold")
    kept = [p for p in daemon.pebble.iterdir() if p.name.startswith(".pebble.state.corrupt-")]
    assert [p.read_text() for p in kept] == [text]
    assert "state file was damaged" in daemon.log()
    (warning,) = daemon.get("/v1/notices?types=warning")
    assert str(kept[0]) in warning["key"]
    assert "latest-warning" in daemon.request("GET", "/v1/changes")[1]


def test_a_newer_file_is_refused_and_left_alone(daemon):
    text = '{"data":{"patch-level":3},"changes":{},"tasks":{},"news":1}'
    state_of(daemon).write_text(text)
    daemon.start("--hold", wait=False)
    assert daemon.process.wait(30) == 1
    assert "cannot run daemon: cannot downgrade: software version is too old for the current system state (patch level 3)" in daemon.log()
    assert state_of(daemon).read_text() == text


def test_a_full_disk_costs_no_service(daemon):
    daemon.start("--hold")
    notify(daemon, "example.com/before")
    limit = state_of(daemon).stat().st_size + 100
    before = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    limit = max(limit, os.path.getsize(daemon.log_path) + 20_000)
    for i in range(limit // 4000 + 1):
        if i == 1:
            resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (limit, before[1]))
        notify(daemon, f"example.com/fill{i}", data={"k": "v" * 4000})
    until(lambda: "Cannot write state file, retrying: write " in daemon.log(), "the failure to be logged")
    assert "file too large" in daemon.log()
    notify(daemon, "example.com/while-full")
    assert daemon.request("GET", "/v1/health")[0] == 200
    assert any("cannot write state file" in n["key"] for n in daemon.get("/v1/notices?types=warning"))
    assert "example.com/before" in {n["key"] for n in stored(daemon)["notices"]}
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, before)
    until(lambda: "example.com/while-full" in {n["key"] for n in stored(daemon)["notices"]}, "the file to be written again")
    assert [p.name for p in daemon.pebble.iterdir() if p.name.endswith("~")] == []


def test_a_directory_that_goes_and_comes_back(daemon):
    daemon.start("--hold")
    notify(daemon, "example.com/before")
    away = daemon.pebble.with_name("away")
    # One connection stays open: the socket's path is gone too.
    daemon.pebble.rename(away)
    daemon.socket = away / ".pebble.socket"
    notify(daemon, "example.com/meanwhile")
    until(lambda: "Cannot write state file, retrying: open " in daemon.log(), "the failure to be logged")
    assert daemon.request("GET", "/v1/health")[0] == 200
    away.rename(daemon.pebble)
    daemon.socket = daemon.pebble / ".pebble.socket"
    until(lambda: "example.com/meanwhile" in {n["key"] for n in stored(daemon)["notices"]}, "the file to be written again")


def test_a_second_daemon_changes_nothing(daemon, make_daemon):
    daemon.start("--hold")
    notify(daemon, "example.com/first")
    before = state_of(daemon).read_bytes()
    second = make_daemon()
    second.env["PEBBLE"] = str(daemon.pebble)
    second.start("--hold", wait=False)
    assert second.process.wait(30) == 1
    assert f'socket "{daemon.socket}" already in use' in second.log()
    assert state_of(daemon).read_bytes() == before
    assert notify(daemon, "example.com/first") == "1"


def test_a_thousand_changes_stay_and_no_more(daemon):
    daemon.start("--hold")
    for _ in range(1020):
        assert daemon.request("POST", "/v1/services", {"action": "replan"})[0] == 202
    # The newest ones are spared for some seconds; then each change that ends takes the oldest along.
    def count():
        daemon.request("POST", "/v1/services", {"action": "replan"})
        return len(daemon.get("/v1/changes?select=all")) <= 1000

    until(count, "old changes to be forgotten")
    newest = daemon.get("/v1/changes?select=ready")[-1]["id"]
    assert daemon.get(f"/v1/changes/{newest}")["status"] == "Done"
    keys = {n["key"] for n in daemon.get("/v1/notices?types=change-update")}
    assert len(keys) <= 1000
