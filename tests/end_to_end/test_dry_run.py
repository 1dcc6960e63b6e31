"""`pebble run --dry-run`: tells of every problem, starts nothing and writes nothing (contract 09, section 3.3)."""

import os
import socket

import pytest

from test_access import HASH

LAYER = "services: {a: {override: replace, command: touch started, startup: enabled}}\n"


def snapshot(folder):
    """Every path below a folder with its mode, size and time of change."""
    return {str(p): (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ino) for p in sorted([folder, *folder.rglob("*")]) for s in [p.lstat()]}


def dry_run(daemon, *args, command="run"):
    """The exit status and the problems; nothing below the daemon's folder may have changed."""
    before = snapshot(daemon.folder)
    done = daemon.cli(command, "--dry-run", *args, check=False)
    assert snapshot(daemon.folder) == before
    assert done.stdout == ("" if done.returncode else "No problems found.\n")
    before_first, *problems = ("\n" + done.stderr.removesuffix("\n")).split("\ncannot run daemon: ")
    assert before_first.strip() == ""
    return done.returncode, problems


@pytest.mark.parametrize("command", ["run", "enter"])
def test_nothing_wrong(daemon, command):
    daemon.layer("001-base.yaml", LAYER)
    ids = daemon.folder / "ids.yaml"
    ids.write_text("identities: {bob: {access: read, local: {user-id: 42}}, gone: null}\n")
    arguments = ["--http", ":4000", "--https", "[::1]:0", "--identities", str(ids), "--args", "a", "x", ";", "--verbose"]
    assert dry_run(daemon, *arguments, command=command) == (0, [])
    assert not (daemon.pebble / "identity").exists() and not daemon.socket.exists()


def test_beside_a_daemon_that_runs(daemon):
    daemon.layer("001-base.yaml", LAYER)
    daemon.start("--hold", "--http", "127.0.0.1:0")
    daemon.cli("notify", "example.com/x")
    assert dry_run(daemon) == (0, [])
    daemon.layer("002-bad.yaml", "services: {b: {command: 'x'}}\n")
    code, problems = dry_run(daemon)
    assert code == 1 and 'layer "bad" must define "override" for service "b"' in problems[0]


def test_every_problem_is_told(daemon):
    daemon.layer("001-good.yaml", LAYER)
    daemon.layer("002-bad.yaml", "services: {b: [\n")
    daemon.layer("003-worse.yaml", "services: 5\n")
    daemon.layer("odd.yaml", "summary: x\n")
    (daemon.pebble / ".pebble.state").write_text('{"data": ')
    ids = daemon.folder / "ids.yaml"
    ids.write_text("identities: {bob: {access: foo, local: {user-id: 42}}}\n")
    daemon.env["WATCHDOG_USEC"] = "abc"
    (daemon.pebble / "identity").mkdir(mode=0o755)
    code, problems = dry_run(daemon, "--http", "4000", "--https", "127.0.0.1:99999", "--identities", str(ids))
    assert code == 1
    assert [problem.partition(": ")[0] if problem.startswith(("cannot load plan", "cannot read state")) else problem for problem in problems] == [
        f'cannot load identity key: expected permission 0o700 (got 0o755) for "{daemon.pebble}/identity"',
        'cannot listen on "4000": listen tcp: address 4000: missing port in address',
        'cannot TLS listen on "127.0.0.1:99999": listen tcp: address 99999: invalid port',
        "cannot load plan",
        "cannot load plan",
        "cannot load plan",
        "cannot read state",
        'cannot replace identities: invalid identity for "bob": invalid access value "foo", must be "admin", "read", "metrics", or "untrusted"',
        'cannot run software watchdog: cannot parse WATCHDOG_USEC: "abc"',
    ]
    told = "\n".join(problems)
    assert 'invalid layer filename: "odd.yaml"' in told and 'cannot parse layer "bad"' in told and 'cannot parse layer "worse"' in told


def test_the_plan_as_a_whole(daemon):
    daemon.layer("001-base.yaml", "services: {a: {override: replace, command: x, after: [b]}, b: {override: replace, command: x, after: [a]}}\n")
    assert dry_run(daemon) == (1, ["cannot load plan: services in before/after loop: a, b"])
    daemon.layer("001-base.yaml", LAYER)
    assert dry_run(daemon, "--args", "nosuch", "x") == (1, ['service "nosuch" not found in plan'])


def test_identities_are_judged_with_those_that_are_stored(daemon):
    daemon.start("--hold")
    assert daemon.request("POST", "/v1/identities", {"action": "add", "identities": {"al": {"access": "read", "local": {"user-id": 7}}}})[0] == 200
    assert daemon.stop() == 0
    ids = daemon.folder / "ids.yaml"
    ids.write_text(f"identities: {{bob: {{access: read, local: {{user-id: 7}}, basic: {{password: {HASH}}}}}}}\n")
    assert dry_run(daemon, "--identities", str(ids)) == (1, ["cannot replace identities: cannot have multiple identities with user ID 7 (al, bob)"])
    ids.write_text("identities: {bob: {access: read, local: {user-id: 7}}, al: null}\n")
    assert dry_run(daemon, "--identities", str(ids)) == (0, [])
    assert dry_run(daemon, "--identities", str(ids) + ".none") == (1, [f"cannot read identities: open {ids}.none: no such file or directory"])


def test_directories(daemon):
    missing = daemon.folder / "new/deep"
    daemon.env["PEBBLE"] = str(missing)
    assert dry_run(daemon)[1][0] == f'directory "{missing}" does not exist'
    assert dry_run(daemon, "--create-dirs") == (0, [])
    (daemon.folder / "new").write_text("a file")
    assert dry_run(daemon, "--create-dirs")[1][0] == f"mkdir {daemon.folder}/new: not a directory"
    daemon.env["PEBBLE"] = "relative"
    assert dry_run(daemon)[1][0] == 'directory "relative" must be absolute'


def test_what_would_be_copied_is_looked_at(daemon):
    source = daemon.folder / "source"
    (source / "layers").mkdir(parents=True)
    (source / "layers/001-bad.yaml").write_text("services: 5\n")
    daemon.env["PEBBLE_COPY_ONCE"] = str(source)
    code, problems = dry_run(daemon)
    assert code == 1 and problems[0].startswith('cannot load plan: cannot parse layer "bad"')
    daemon.layer("001-base.yaml", LAYER)
    assert dry_run(daemon) == (0, []), "a directory with something in it is not copied to"


def test_sockets(daemon):
    daemon.env["PEBBLE_SOCKET"] = "/" + "x" * 200
    assert dry_run(daemon)[1] == [f"when trying to listen on {daemon.env['PEBBLE_SOCKET']}: listen unix {daemon.env['PEBBLE_SOCKET']}: bind: invalid argument"]
    daemon.env["PEBBLE_SOCKET"] = str(daemon.folder / "none/socket")
    assert dry_run(daemon)[1][0].endswith("bind: no such file or directory")


def test_taken_addresses_are_no_fault_of_the_options(daemon):
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert dry_run(daemon, "--http", f"127.0.0.1:{other.getsockname()[1]}") == (0, [])
    assert os.listdir(daemon.pebble) == []
