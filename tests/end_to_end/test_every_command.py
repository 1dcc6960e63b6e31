"""Every command of the table, once with pipes and once on a terminal (a pty of its own): same work, same words, same exit status."""

import errno
import json
import os
import pty
import re
import signal
import subprocess
import termios

import pytest
from conftest import BINARY

LAYER = {
    "services": {
        "web": {"override": "replace", "command": "sh -c 'echo web is up; exec sleep 1000'", "startup": "enabled"},
        "bad": {"override": "replace", "command": "sh -c 'echo last words; exit 3'", "on-failure": "ignore"},
    },
    "checks": {"ok": {"override": "replace", "exec": {"command": "true"}}},
}
IDENTITIES = "identities: {bob: {access: read, local: {user-id: 4242}}}\n"

# A line, its exit status, and what it prints (regular expressions, on stdout and stderr together). {d} is the test's folder.
# They run in this order, with one daemon; `more` is what the line needs besides.
TABLE = [
    ("help", 0, r"Usage: pebble <command>"),
    ("help --all", 0, r"replan +Make running"),
    ("version", 0, r"client  v1\.32\.1\r?\nserver  v1\.32\.1"),
    ("completion bash", 0, r"complete -F _pebble pebble"),
    ("completion bash -- start we", 0, r"web\t"),
    ("validate {d}/layer.yaml", 0, r"1 layer, the plan is valid"),
    ("plan", 0, r"services:\r?\n    bad:"),
    ("plan --diff {d}/layer.yaml", 0, r"\+ +more:"),
    ("add more {d}/layer.yaml", 0, r'Layer "more" added successfully'),
    ("replan --dry-run", 0, r"web +start +startup is enabled"),
    ("services", 0, r"web +enabled +inactive +-"),
    ("start web", 0, None),
    ("start bad", 1, r"error: cannot perform the following tasks:\r?\n- Start service \"bad\" \(.*code 3"),
    ("services --format=json web", 0, r'"current":"active"'),
    ("logs -n 10 web", 0, r"\[web\] web is up"),
    ("restart web", 0, None),
    ("signal CONT web", 0, None),
    ("stop web", 0, None),
    ("autostart", 0, None),
    ("replan", 0, None),
    ("top --once", 0, r"web +active"),
    ("checks", 0, r"ok +- +enabled +up"),
    ("check ok", 0, r"name: ok\r?\n"),
    ("stop-checks ok", 0, r"Checks stopped: ok"),
    ("start-checks ok", 0, r"Checks started: ok"),
    ("health", 0, r"healthy"),
    ("mkdir {d}/made", 0, None),
    ("push {d}/layer.yaml {d}/made/file", 0, None),
    ("ls {d}/made", 0, r"file"),
    ("pull {d}/made/file {d}/back", 0, None),
    ("rm -r {d}/made", 0, None),
    ("exec sh -c 'echo from exec; exit 7'", 7, r"from exec"),
    ("changes", 0, r"Autostart service \"web\""),
    ("tasks --last=autostart", 0, r"Done .*Start service \"web\""),
    ("notify example.com/a k=v", 0, r"Recorded notice \d+"),
    ("notices", 0, r"custom +example\.com/a"),
    ("notice custom example.com/a", 0, r"key: example\.com/a"),
    ("warnings", 0, r"No warnings"),
    ("okay", 0, None),
    ("add-identities --from {d}/identities.yaml", 0, r"Added 1 new identity"),
    ("identities", 0, r"bob +read +local"),
    ("identity bob", 0, r"user-id: 4242"),
    ("update-identities --from {d}/identities.yaml", 0, r"Updated 1 identity"),
    ("remove-identities --from {d}/gone.yaml", 0, r"Removed 1 identity"),
    ("install {d}/installed", 0, None),
    ("pair --open --mode=single --duration=10m", 0, r"The window for pairing is open until"),
    ("debug", 0, None),
]
# With a folder of their own, where no daemon runs.
ALONE = [
    ("run", 1, r"cannot run daemon: directory .* does not exist"),
    ("run --create-dirs --identities {d}/nothing", 1, r"cannot run daemon: "),
    ("enter --create-dirs version", 0, r"client  v1\.32\.1\r?\nserver  v1\.32\.1"),
]


def with_pipes(words, env):
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, text=True)
    return done.returncode, done.stdout


def on_terminal(words, env):
    """Runs with a terminal for everything; checks that its modes are those of before."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(words, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError as error:
            assert error.errno == errno.EIO  # nobody holds the other side any more
            break
        shown += piece
    status = process.wait(60)
    assert termios.tcgetattr(master) == before
    os.close(master)
    return status, shown.decode()


def without_escapes(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def run_table(daemon, folder, run, table, env):
    for line, status, wanted in table:
        words = [BINARY, *re.findall(r"'[^']*'|\S+", line.format(d=folder))]
        words = [word.strip("'") for word in words]
        got, shown = run(words, env)
        assert got == status, (line, got, shown)
        text = without_escapes(shown)
        if wanted is None:
            assert "error" not in text, (line, text)
        else:
            assert re.search(wanted, text), (line, text)


@pytest.mark.parametrize("run", [with_pipes, on_terminal])
def test_every_command(daemon, tmp_path, run):
    offered = subprocess.run([BINARY, ""], env={"GO_FLAGS_COMPLETION": "1"}, capture_output=True, text=True).stdout.split()
    assert sorted({line.split()[0] for line, *_ in TABLE + ALONE} - {"debug"}) == sorted(offered)
    (tmp_path / "layer.yaml").write_text("services: {more: {override: replace, command: sleep 1000}}\n")
    (tmp_path / "identities.yaml").write_text(IDENTITIES)
    (tmp_path / "gone.yaml").write_text("identities: {bob: null}\n")
    daemon.env.update(XDG_CONFIG_HOME=str(tmp_path / "config"), TERM="xterm")
    daemon.layer("001-base.yaml", json.dumps(LAYER))
    daemon.start("--hold")
    run_table(daemon, tmp_path, run, TABLE, daemon.env)
    run_table(daemon, tmp_path, run, ALONE, {**daemon.env, "PEBBLE": str(tmp_path / "other")})


def test_a_failed_start_shows_the_last_words_on_a_terminal(daemon):
    daemon.layer("001-base.yaml", json.dumps(LAYER))
    daemon.start("--hold")
    daemon.env["TERM"] = "xterm"
    status, shown = on_terminal([BINARY, "start", "bad"], daemon.env)
    assert status == 1 and shown.index("last words") < shown.index("error: cannot perform")
    status, shown = on_terminal([BINARY, "restart", "web", "bad"], daemon.env)
    assert re.search(r"Error Start service \"bad\"", shown) and re.search(r"Done  Start service \"web\", 1s", shown)


def test_waiting_for_a_server_is_told_on_a_terminal_only(tmp_path):
    env = {"PEBBLE": str(tmp_path), "TERM": "xterm"}
    status, shown = on_terminal([BINARY, "services"], env)
    error = f'error: cannot communicate with server: Get "http://localhost/v1/services?names=": socket "{tmp_path}/.pebble.socket" not found'
    assert (status, shown.splitlines()) == (1, [f'Waiting for the server: socket "{tmp_path}/.pebble.socket" not found', error])
    assert with_pipes([BINARY, "services"], env) == (1, error + "\n")


@pytest.mark.release_only
def test_a_list_reads_no_file_but_the_time_zone(daemon):
    daemon.layer("001-base.yaml", json.dumps(LAYER))
    daemon.start()
    (daemon.folder / "config/pebble").mkdir(parents=True)
    (daemon.folder / "config/pebble/cli.json").write_text("{}")
    daemon.env["XDG_CONFIG_HOME"] = str(daemon.folder / "config")
    daemon.env.pop("TZ", None)

    def opened(*words):
        trace = subprocess.run(["strace", "-f", "-e", "trace=open,openat,openat2", BINARY, *words], env=daemon.env, capture_output=True, text=True, check=True).stderr
        return re.findall(r'open[a-z0-9]*\([^"]*"([^"]*)"', trace)

    assert opened("services") == ["/etc/localtime"]
    assert opened("services", "--abs-time") == [] and opened("health") == [] and opened("plan") == []


def test_a_terminal_that_goes_away_ends_the_client(daemon):
    daemon.layer("001-base.yaml", json.dumps(LAYER))
    daemon.start("--hold")
    daemon.cli("start", "web")
    master, slave = pty.openpty()
    client = subprocess.Popen([BINARY, "logs", "-f"], env=daemon.env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    assert b"web is up" in os.read(master, 4096)
    os.close(master)
    daemon.cli("restart", "web")
    assert client.wait(30) in (1, -signal.SIGHUP)
