"""The command line client with a real daemon: what only real processes, files and signals show."""

import json
import os
import pathlib
import signal
import subprocess

import yaml

from conftest import BINARY, until

SLEEPER = "services: {web: {override: replace, command: sleep 1000}}\n"


def test_services_tell_details_only_when_asked(daemon):
    daemon.layer("001-base.yaml", SLEEPER)
    daemon.start()
    daemon.cli("start", "web")
    pid = str(daemon.service("web")["details"]["pid"])
    assert pid in daemon.cli("services", "--long").stdout.split()
    assert daemon.cli("services").stdout.splitlines()[0].split() == ["Service", "Startup", "Current", "Since"]
    assert "pid" not in daemon.cli("services", "--format=json").stdout


def test_exec_carries_bytes_both_ways_and_the_exit_code(daemon):
    daemon.start()
    data = os.urandom(3_000_000)
    done = subprocess.run([BINARY, "exec", "cat"], env=daemon.env, input=data, capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout == data and done.stderr == b""
    done = daemon.cli("exec", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_exec_passes_signals_on(daemon):
    daemon.start()
    script = "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.01; done"
    client = subprocess.Popen([BINARY, "exec", "sh", "-c", script], env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    client.send_signal(signal.SIGTERM)
    assert client.communicate(timeout=30)[0] == "got\n"
    assert client.returncode == 9


def test_push_and_pull_keep_content_and_mode(daemon, tmp_path):
    daemon.start()
    source, far, back = tmp_path / "source", tmp_path / "far", tmp_path / "back"
    source.write_bytes(os.urandom(5_000_000))
    source.chmod(0o640)
    daemon.cli("push", str(source), str(far))
    assert far.read_bytes() == source.read_bytes() and far.stat().st_mode & 0o777 == 0o640
    daemon.cli("pull", str(far), str(back))
    assert back.read_bytes() == source.read_bytes()


def test_a_pull_that_fails_leaves_the_old_file(daemon, tmp_path):
    daemon.start()
    old = tmp_path / "old"
    old.write_text("as it was")
    assert daemon.cli("pull", str(tmp_path / "missing"), str(old), check=False).returncode == 1
    assert daemon.cli("pull", str(tmp_path / "missing"), str(tmp_path / "new"), check=False).returncode == 1
    assert old.read_text() == "as it was"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(("old", "new"))) == ["old"]


def test_a_state_file_that_cannot_be_read_is_no_failure(daemon, tmp_path):
    config = tmp_path / "config/pebble"
    config.mkdir(parents=True)
    daemon.env["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    daemon.start()
    daemon.cli("notify", "example.com/a")
    for text in ("", "{}", "garbage", '{"pebble": {"x": null}}', "[1]", '{"pebble": 5}'):
        (config / "cli.json").write_text(text)
        assert "example.com/a" in daemon.cli("notices").stdout, text
    assert list(json.loads((config / "cli.json").read_text())["pebble"]) == [str(daemon.socket)]
    assert [p.name for p in config.iterdir()] == ["cli.json"]


def test_the_second_interrupt_ends_a_client_that_waits(daemon):
    stubborn = "sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; done'"
    daemon.layer("001-base.yaml", json.dumps({"services": {"web": {"override": "replace", "command": stubborn, "kill-delay": "30s"}}}))
    daemon.start()
    daemon.cli("start", "web")
    until(lambda: "ready" in daemon.cli("logs").stdout, "the service to ignore SIGTERM")
    service = daemon.service("web")["details"]["pid"]
    client = subprocess.Popen([BINARY, "stop", "web"], env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until(lambda: any(c["kind"] == "stop" for c in daemon.get("/v1/changes?select=in-progress")), "the change")
    aborted = lambda: [c["status"] for c in daemon.get("/v1/changes?select=all") if c["kind"] == "stop"][0] in ("Abort", "Hold", "Error", "Done", "Undone")
    client.send_signal(signal.SIGINT)
    until(lambda: aborted() or client.poll() is not None, "the change to be aborted")
    if client.poll() is None:
        client.send_signal(signal.SIGINT)
    assert client.wait(30) in (1, 130)
    daemon.kill()
    os.killpg(service, signal.SIGKILL)


def test_validate_needs_no_server(tmp_path):
    good, bad = tmp_path / "001-good.yaml", tmp_path / "bad.yaml"
    good.write_text(SLEEPER)
    bad.write_text("services: {web: {override: replace}}\n")
    run = lambda *paths: subprocess.run([BINARY, "validate", *map(str, paths)], env={"PEBBLE": "/nowhere"}, capture_output=True, text=True)
    assert run(good).returncode == 0
    refused = run(good, bad)
    assert refused.returncode == 1 and "web" in refused.stderr


def test_install_copies_the_executable(tmp_path):
    run = lambda binary, path: subprocess.run([binary, "install", path], env={"PEBBLE": "/nowhere"}, capture_output=True, text=True)
    assert run(BINARY, tmp_path).returncode == 0
    copy = tmp_path / "pebble"
    assert copy.stat().st_mode & 0o7777 == 0o755 and copy.read_bytes() == pathlib.Path(BINARY).read_bytes()
    # Over a file that is being run, and whatever its permissions are.
    copy.chmod(0o700)
    assert run(copy, copy).returncode == 0
    assert copy.stat().st_mode & 0o7777 == 0o755 and copy.read_bytes() == pathlib.Path(BINARY).read_bytes()
    assert subprocess.run([copy, "version", "--client"], capture_output=True, text=True).stdout == "v1.32.1\n"
    refused = run(BINARY, tmp_path / "none/pebble")
    assert (refused.returncode, refused.stderr) == (1, f"error: open {tmp_path}/none/pebble: no such file or directory\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pebble"]


def test_validate_tells_all_faults_at_once(tmp_path):
    layers = tmp_path / "layers"
    layers.mkdir()
    (layers / "001-first.yaml").write_text(
        "services:\n  web:\n    override: replace\n    comand: sleep 1\n    after: 5\n  db:\n    on-success: explode\nchecks:\n  up: {level: high}\n  ok: {override: replace}\n"
    )
    (layers / "002-second.yaml").write_text("what: {}\nservices:\n  a: {kill-delay: [1]}\n")
    (layers / "003-third.yaml").write_text("services: {a: {command: 'x}}\n")
    (layers / "004-fourth.yaml").write_text(SLEEPER)
    run = lambda *words: subprocess.run([BINARY, "validate", *map(str, words)], env={"PEBBLE": "/nowhere"}, capture_output=True, text=True)
    refused = run(layers)
    lines = [line.removeprefix(f"{layers}/") for line in refused.stderr.splitlines()]
    assert refused.returncode == 1 and lines == [
        "001-first.yaml:4:13: field comand not found in type plan.Service",
        "001-first.yaml:5:12: cannot unmarshal !!int `5` into []string",
        '001-first.yaml:6:3: plan service "db" on-success action "explode" invalid',
        '001-first.yaml:9:3: plan check "up" level must be "alive" or "ready"',
        '002-second.yaml:1:1: cannot parse layer "second": unknown section "what"',
        '002-second.yaml:3:3: cannot parse layer "second" section "services": duration must be a YAML string',
        lines[6],
        "error: 7 faults were found",
    ]
    assert lines[6].startswith("003-third.yaml:")
    found = json.loads(run("--format=json", layers).stdout)
    assert found["valid"] is False and len(found["faults"]) == 7
    assert found["faults"][0] == {"file": f"{layers}/001-first.yaml", "line": 4, "column": 13, "message": "field comand not found in type plan.Service"}
    assert json.loads(run("--format=json", layers / "004-fourth.yaml").stdout) == {"valid": True, "faults": []}
    (tmp_path / "lone.yaml").write_text("services: {web: {override: merge, requires: [nobody], command: x}}\n")
    found = json.loads(run("--format=json", tmp_path / "lone.yaml").stdout)
    assert not found["valid"] and "nobody" in found["faults"][0]["message"]
    assert "line" not in json.loads(run("--format=json", tmp_path / "missing").stdout)["faults"][0]


def test_plan_diff_shows_and_changes_nothing(daemon, tmp_path):
    daemon.layer("001-base.yaml", SLEEPER)
    daemon.start()
    layer = tmp_path / "more.yaml"
    layer.write_text("services: {web: {override: merge, startup: enabled}}\n")
    before = daemon.cli("plan").stdout
    assert "+        startup: enabled\n" in daemon.cli("plan", "--diff", str(layer)).stdout
    assert daemon.cli("plan").stdout == before


def test_replan_dry_run_tells_what_comes_and_changes_nothing(daemon):
    daemon.layer("001-base.yaml", SLEEPER + "checks: {up: {override: replace, exec: {command: 'true'}}}\n")
    daemon.start()
    assert daemon.cli("replan", "--dry-run").stderr == "A replan would change nothing.\n"
    daemon.cli("start", "web")
    daemon.add_layer("more", "services: {web: {override: merge, kill-delay: 1s, environment: {A: b}}, db: {override: replace, command: sleep 1000, startup: enabled}}\n")
    daemon.cli("stop-checks", "up")
    before = daemon.get("/v1/changes?select=all")
    shown = daemon.cli("replan", "--dry-run").stdout
    assert [line.split(None, 2) for line in shown.splitlines()] == [
        ["Service", "Action", "Reason"],
        ["db", "start", "startup is enabled"],
        ["web", "restart", "changed: environment, kill-delay"],
        [],
        ["Check", "Action", "Reason"],
        ["up", "start", "startup is enabled"],
    ]
    as_json = json.loads(daemon.cli("replan", "--dry-run", "--format=json").stdout)
    assert as_json == yaml.safe_load(daemon.cli("replan", "--dry-run", "--format=yaml").stdout)
    assert as_json["services"]["web"] == {"action": "restart", "reason": "changed", "keys": ["environment", "kill-delay"]}
    assert daemon.get("/v1/changes?select=all") == before
    daemon.cli("replan")
    assert daemon.cli("replan", "--dry-run").stdout == ""
    assert daemon.cli("replan", "--dry-run", "--no-wait", check=False).returncode == 1
    assert daemon.cli("replan", "--format=json", check=False).returncode == 1


def test_a_pull_to_its_own_output_replaces_nothing(daemon, tmp_path):
    """Also where stdout is a regular file: its name, here a link like /dev/stdout, stays what it is."""
    daemon.start()
    (tmp_path / "far").write_text("content\n")
    link, shown = tmp_path / "stdout", tmp_path / "shown"
    link.symlink_to("/proc/self/fd/1")
    shown.write_text("before\n")
    with open(shown, "a") as out:
        for path in (str(link), "-"):
            subprocess.run([BINARY, "pull", str(tmp_path / "far"), path], env=daemon.env, stdout=out, check=True)
        assert subprocess.run([BINARY, "pull", str(tmp_path / "missing"), str(link)], env=daemon.env, stdout=out, stderr=subprocess.DEVNULL).returncode == 1
    assert shown.read_text() == "before\ncontent\ncontent\n" and link.is_symlink()
    piped = subprocess.run([BINARY, "pull", str(tmp_path / "far"), str(link)], env=daemon.env, capture_output=True, text=True, check=True)
    assert piped.stdout == "content\n" and link.is_symlink()


def test_a_pull_through_a_link_keeps_the_link(daemon, tmp_path):
    daemon.start()
    (tmp_path / "far").write_text("new")
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    daemon.cli("pull", str(tmp_path / "far"), str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


def test_a_push_takes_stdin(daemon, tmp_path):
    daemon.start()
    daemon.cli("push", "-", str(tmp_path / "far"), input="from stdin")
    assert (tmp_path / "far").read_text() == "from stdin" and (tmp_path / "far").stat().st_mode & 0o777 == 0o644
