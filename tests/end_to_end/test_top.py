"""`pebble top` on a real terminal (tmux), and without one."""

import json
import os
import re
import signal
import subprocess

import pytest
import yaml
from conftest import BINARY, Tmux, until

LAYER = {
    "services": {
        "talker": {"override": "replace", "command": "sh -c 'i=0; while :; do i=$((i+1)); echo \"line $i \033[31mred\"; sleep 0.05; done'"},
        "quiet": {"override": "replace", "command": "sh -c 'echo quiet is up; exec sleep 1000'"},
        "idle": {"override": "replace", "command": "sleep 1000"},
    },
    "checks": {"bad": {"override": "replace", "threshold": 1, "period": "100ms", "exec": {"command": "sh -c 'echo no luck; exit 3'"}}},
}


COLOUR = re.compile(r"\x1b\[[0-9;]*\b[349][0-7]m")


@pytest.fixture
def terminal(daemon, tmp_path):
    daemon.layer("001-base.yaml", json.dumps(LAYER))
    daemon.start()
    daemon.cli("start", "talker", "quiet")
    daemon.env.pop("NO_COLOR", None)
    made = Tmux(tmp_path, daemon.env)
    yield made
    made.close()


def row(screen, name):
    return next((line.lstrip("> ").split() for line in screen.splitlines() if line.lstrip("> ").startswith(name + " ")), None)


def test_top_shows_and_follows_what_happens(daemon, terminal):
    terminal.run(BINARY, "top", "--interval=100ms")
    shown = terminal.until_shows("2 of 3 services active, 1 of 1 checks down", "talker line", "?[31mred", "exit status 3")
    assert row(shown, "idle")[1:] == ["inactive", "-", "-", "-", "-"]
    assert row(shown, "quiet")[1] == "active" and row(shown, "quiet")[3].endswith("B")
    assert [line[:1] for line in shown.splitlines() if "inactive" in line] == [">"]  # the first by name is chosen
    until(lambda: row(terminal.screen(), "talker")[2] != "-", "two looks at the CPU time")
    daemon.cli("start", "idle")
    terminal.until_shows("3 of 3 services active")


def test_top_does_what_keys_ask_for(daemon, terminal):
    terminal.run(BINARY, "top", "--interval=100ms")
    terminal.until_shows("talker line", "> idle")
    terminal.keys("Down", "Enter")
    shown = terminal.until_shows("> quiet", "Log of quiet", "quiet is up")
    assert "talker line" not in shown
    terminal.keys("Enter")
    terminal.until_shows("talker line")
    terminal.keys("PPage")
    shown = terminal.until_shows("newer below")
    first = next(line for line in shown.splitlines() if "talker line" in line)
    until(lambda: "newer below" in terminal.screen() and int(terminal.screen().split(" newer below")[0].split(", ")[-1]) > 30, "more lines")
    assert first in terminal.screen()
    terminal.keys("End")
    until(lambda: "newer below" not in terminal.screen(), "the newest line")
    terminal.keys("s", "s", "s")
    terminal.until_shows("Memory↓")
    terminal.keys("r")
    terminal.until_shows("Memory↑")


def test_top_fits_the_window(daemon, terminal):
    terminal.run(BINARY, "top", "--interval=100ms")
    terminal.until_shows("Restarts", "q quit", "Last error")
    terminal.resize(40, 8)
    shown = until(lambda: (s := terminal.screen()) and "Restarts" not in s and "talker" in s and "q quit" in s and s, "the narrow screen")
    assert len(shown.splitlines()) == 8 and max(map(len, shown.splitlines())) <= 40
    terminal.resize(120, 40)
    terminal.until_shows("Restarts", "Last error")


@pytest.mark.parametrize("way, status", [("q", 0), ("C-c", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)])
def test_top_leaves_the_terminal_as_it_was(daemon, terminal, way, status):
    modes = lambda: subprocess.run(["stty", "-a", "-F", terminal.flag("pane_tty")], capture_output=True, text=True, check=True).stdout
    before = modes()
    terminal.run(BINARY, "top", "--interval=100ms")
    terminal.until_shows("talker line")
    assert terminal.flag("alternate_on") == "1" and terminal.flag("cursor_flag") == "0" and modes() != before
    if isinstance(way, str):
        terminal.keys(way)
    else:
        os.kill(terminal.pid(), way)
    shown = terminal.until_shows(f"ended:{status}", "PROMPT")
    assert terminal.flag("alternate_on") == "0" and terminal.flag("cursor_flag") == "1" and "services active" not in shown
    assert terminal.flag("wrap_flag") == "1"
    until(lambda: modes() == before, "the terminal's modes of before")


def test_top_says_that_the_server_is_gone_and_comes_back(daemon, terminal):
    terminal.run(BINARY, "top", "--interval=100ms")
    terminal.until_shows("talker line")
    daemon.kill()
    terminal.until_shows("The server is gone, waiting for it", "talker line")
    daemon.start()
    daemon.cli("start", "talker", "quiet")
    terminal.until_shows("2 of 3 services active", "talker line")
    daemon.kill()
    terminal.until_shows("The server is gone")
    terminal.keys("q")
    terminal.until_shows("ended:0")
    daemon.start()
    daemon.cli("start", "talker", "quiet")  # which ends what the killed daemon left


def test_top_has_colours_unless_they_are_not_wanted(daemon, terminal):
    terminal.run(BINARY, "top", "--interval=100ms")
    terminal.until_shows("talker line")
    assert COLOUR.search(terminal.screen(colours=True))
    terminal.keys("q")
    terminal.until_shows("ended:0")
    terminal.run("env", "NO_COLOR=1", BINARY, "top", "--interval=100ms")
    terminal.until_shows("talker line")
    assert not COLOUR.search(terminal.screen(colours=True))


def test_top_prints_one_snapshot_without_a_terminal(daemon):
    daemon.layer("001-base.yaml", json.dumps(LAYER))
    daemon.start()
    daemon.cli("start", "quiet")
    until(lambda: "quiet is up" in daemon.cli("logs").stdout, "the line")
    shown = daemon.cli("top").stdout
    assert "\x1b" not in shown and "[quiet] quiet is up" in shown and row(shown, "quiet")[1] == "active"
    as_json = json.loads(daemon.cli("top", "--format=json").stdout)
    details = as_json["services"]["quiet"]["details"]
    assert details["pid"] > 0 and details["memory-bytes"] > 0 and details["cpu-ms"] >= 0
    assert as_json["log"][-1]["message"] == "quiet is up"
    as_yaml = yaml.safe_load(daemon.cli("top", "--once", "--format=yaml").stdout)
    assert list(as_yaml) == ["services", "checks", "log"] and as_yaml["services"]["idle"]["current"] == "inactive"
    assert daemon.cli("top", "--interval=1ms", check=False).stderr == "error: the interval must be at least 100ms\n"
