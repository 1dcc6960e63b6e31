"""Everything that charms can ask of ops.pebble.Client, with the values and exceptions that its documentation promises.

Starting, replanning, and the plain cases of files and exec are in test_main_job.py, test_files.py and test_exec.py."""

import datetime
import io
import os
import pathlib
import stat
import threading

import ops.pebble
import pytest
from conftest import until


@pytest.fixture
def client(daemon):
    daemon.start("--hold")
    return ops.pebble.Client(socket_path=str(daemon.socket))


def services(**entries):
    return {"services": {name: {"override": "replace", **entry} for name, entry in entries.items()}}


def current(client, name):
    return client.get_services([name])[0].current


def test_services_by_name_and_by_state(client):
    client.add_layer("x", services(a={"command": "sleep 1000", "startup": "enabled"}, b={"command": "sleep 1000"}, c={"command": "sh -c 'exit 3'"}))
    assert [s.name for s in client.get_services(["b", "a", "nope"])] == ["a", "b"]
    assert [s.startup for s in client.get_services()] == [ops.pebble.ServiceStartup.ENABLED] + [ops.pebble.ServiceStartup.DISABLED] * 2
    change = client.autostart_services()
    assert client.get_change(change).summary == 'Autostart service "a"'
    client.start_services(["b"])
    client.restart_services(["b"])
    assert {s.name: s.is_running() for s in client.get_services()} == {"a": True, "b": True, "c": False}
    with pytest.raises(ops.pebble.ChangeError):
        client.start_services(["c"])
    assert current(client, "c") == "backoff"  # a state that the library has no word for, and passes on
    client.send_signal("SIGTERM", ["b"])
    until(lambda: current(client, "b") != ops.pebble.ServiceStatus.ACTIVE)
    with pytest.raises(ops.pebble.APIError) as failed:
        client.send_signal(1, ["c", "nope"])
    assert failed.value.code == 500 and 'cannot send signal to "nope": service is not running' in failed.value.message
    client.stop_services(["a", "b", "c"])
    assert not any(s.is_running() for s in client.get_services())


def test_changes_are_found_waited_for_and_aborted(client):
    client.add_layer("x", services(a={"command": "sleep 1000"}, b={"command": "sleep 1000", "requires": ["a"], "after": ["a"]}))
    change = client.start_services(["b"], timeout=0)
    assert [c.id for c in client.get_changes()] == [change]
    with pytest.raises(ops.pebble.TimeoutError):
        client.wait_change(change, timeout=0.05)
    aborted = client.abort_change(change)
    assert aborted.id == change and not aborted.ready
    ended = client.wait_change(change)
    assert ended.ready and ended.status == "Error" and ended.ready_time >= ended.spawn_time
    assert [(t.kind, t.summary, t.status) for t in ended.tasks] == [("start", 'Start service "a"', "Error"), ("start", 'Start service "b"', "Hold")]
    assert ended.tasks[0].log[0].endswith("ERROR start aborted, sent SIGKILL to process")
    assert ended.tasks[0].progress.done == ended.tasks[0].progress.total == 1
    assert client.get_changes() == []
    assert [c.id for c in client.get_changes(ops.pebble.ChangeState.READY, service="b")] == [change]
    assert client.get_changes(ops.pebble.ChangeState.ALL, service="a") == []
    for unknown in (client.get_change, client.wait_change, client.abort_change):
        with pytest.raises(ops.pebble.APIError) as failed:
            unknown(ops.pebble.ChangeID("999"))
        assert (failed.value.code, failed.value.status) == (404, "Not Found")
        assert failed.value.message == 'cannot find change with id "999"'
    with pytest.raises(ops.pebble.APIError, match="cannot abort change .* with nothing pending"):
        client.abort_change(change)


def test_the_plan_comes_back_as_it_was_given(client):
    layer = {
        "summary": "not shown",
        "services": {
            "web": {
                "override": "replace",
                "summary": "yes",
                "command": "sleep '1 000'",
                "environment": {"PORT": "8080", "SWITCH": "on", "EMPTY": "", "TIME": "12:30:45", "EMOJI": "🎉", "LINES": "a\n b\n"},
                "user-id": 1000,
                "on-check-failure": {"up": "restart"},
                "backoff-factor": 1.5,
                "kill-delay": "1m30s",
            }
        },
        "checks": {"up": {"override": "replace", "level": "ready", "startup": "disabled", "threshold": 2, "http": {"url": "http://localhost/", "headers": {"A": "b"}}}},
        "log-targets": {"t": {"override": "replace", "type": "loki", "location": "http://localhost/", "services": ["all"], "labels": {"k": "$v"}}},
    }
    client.add_layer("x", layer)
    plan = client.get_plan()
    assert plan.to_dict() == {section: layer[section] for section in ("services", "checks", "log-targets")}
    assert ops.pebble.Plan(plan.to_yaml()) == plan
    with pytest.raises(ops.pebble.APIError) as failed:
        client.add_layer("y", "services:\n  web:\n    foo: 1\n")
    assert failed.value.code == 400 and "field foo not found in type plan.Service" in failed.value.message


def test_checks_start_stop_and_tell_their_state(client, tmp_path):
    flag = tmp_path / "flag"
    check = {"override": "replace", "period": "20ms", "threshold": 2}
    exec_check = {"command": f"test -e {flag}"}
    client.add_layer(
        "x",
        {
            "checks": {
                "flagged": {**check, "level": "alive", "exec": exec_check},
                "manual": {**check, "level": "ready", "startup": "disabled", "exec": exec_check},
            }
        },
    )
    by_name = lambda: {c.name: c for c in client.get_checks()}
    until(lambda: by_name()["flagged"].status == ops.pebble.CheckStatus.DOWN)
    down = by_name()["flagged"]
    assert down.failures >= 2 and down.threshold == 2 and down.change_id and not down.successes
    assert client.get_change(down.change_id).kind == ops.pebble.ChangeKind.RECOVER_CHECK.value
    manual = by_name()["manual"]
    assert (manual.status, manual.startup, manual.change_id) == (ops.pebble.CheckStatus.INACTIVE, ops.pebble.CheckStartup.DISABLED, None)
    flag.touch()
    until(lambda: by_name()["flagged"].status == ops.pebble.CheckStatus.UP and by_name()["flagged"].successes)
    assert client.start_checks(["manual", "flagged"]) == ["manual"]
    assert client.stop_checks(["manual"]) == ["manual"] and client.stop_checks(["manual"]) == []
    assert [c.name for c in client.get_checks(level=ops.pebble.CheckLevel.ALIVE)] == ["flagged"]
    assert [c.name for c in client.get_checks(names=["manual"])] == ["manual"]
    with pytest.raises(ops.pebble.APIError, match="cannot find checks in plan: nope"):
        client.start_checks(["nope"])
    kinds = {n.last_data["kind"] for n in client.get_notices(types=[ops.pebble.NoticeType.CHANGE_UPDATE]) if n.last_data.get("check-name") == "flagged"}
    assert kinds == {"perform-check", "recover-check"}


def test_notices_repeat_and_are_filtered(client):
    first = client.notify(ops.pebble.NoticeType.CUSTOM, "example.com/a", data={"k": "v"}, repeat_after=datetime.timedelta(hours=1))
    assert client.notify(ops.pebble.NoticeType.CUSTOM, "example.com/a") == first
    other = client.notify(ops.pebble.NoticeType.CUSTOM, "example.com/b", repeat_after=datetime.timedelta(seconds=1.5))
    notice = client.get_notice(first)
    assert (notice.user_id, notice.type, notice.key, notice.occurrences) == (os.getuid(), ops.pebble.NoticeType.CUSTOM, "example.com/a", 2)
    assert notice.first_occurred < notice.last_repeated == notice.last_occurred
    assert (notice.last_data, notice.repeat_after, notice.expire_after) == ({}, None, datetime.timedelta(days=7))
    assert client.get_notice(other).repeat_after == datetime.timedelta(seconds=1.5)
    assert [n.id for n in client.get_notices()] == [first, other]
    assert [n.id for n in client.get_notices(keys=["example.com/b", "example.com/z"])] == [other]
    assert [n.id for n in client.get_notices(users=ops.pebble.NoticesUsers.ALL, types=["custom"])] == [first, other]
    assert client.get_notices(user_id=4242) == client.get_notices(types=["unknown"]) == []
    with pytest.raises(ops.pebble.APIError) as failed:
        client.get_notice("99")
    assert failed.value.code == 404
    with pytest.raises(ops.pebble.APIError, match='invalid key "nope"'):
        client.notify(ops.pebble.NoticeType.CUSTOM, "nope")
    with pytest.raises(ops.pebble.APIError) as failed:
        client.get_warnings()
    assert failed.value.code == 404


def test_identities_are_replaced_and_removed(client):
    client.replace_identities({"bob": {"access": "read", "local": {"user-id": 42}}, "ann": ops.pebble.Identity(access="admin", local=ops.pebble.LocalIdentity(7))})
    assert client.get_identities()["ann"].local.user_id == 7
    client.replace_identities({"bob": {"access": "admin", "local": {"user-id": 43}}, "ann": None})
    assert {n: (i.access.value, i.local.user_id) for n, i in client.get_identities().items()} == {"bob": ("admin", 43)}
    client.remove_identities(["bob"])
    assert client.get_identities() == {}
    with pytest.raises(ops.pebble.APIError):
        client.remove_identities(["bob"])
    with pytest.raises(ops.pebble.APIError):
        client.replace_identities({"two words?": {"access": "nonsense", "local": {"user-id": 1}}})


def test_files_with_every_option(client, tmp_path):
    user, group = os.getuid(), os.getgid()
    path = tmp_path / "deep/er/file"
    client.push(path, io.StringIO("größe\r\n"), encoding="latin-1", make_dirs=True, permissions=0o600, user_id=user, group_id=group)
    assert path.read_bytes() == "größe\r\n".encode("latin-1") and stat.S_IMODE(path.stat().st_mode) == 0o600
    with client.pull(path, encoding="latin-1") as text:
        assert text.read().replace("\r\n", "\n") == "größe\n"
    big = os.urandom(5_000_000)
    client.push(str(path), io.BytesIO(big))
    assert stat.S_IMODE(path.stat().st_mode) == 0o644  # a new file takes the old one's place
    with client.pull(path, encoding=None) as pulled:
        assert pulled.read() == big
    client.make_dir(tmp_path / "made/by/us", make_parents=True, permissions=0o711, user_id=user, group_id=group)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o711
    (tmp_path / "deep/link").symlink_to("er")
    os.mkfifo(tmp_path / "deep/pipe")
    found = {info.name: info for info in client.list_files(tmp_path / "deep")}
    assert {name: info.type for name, info in found.items()} == {
        "er": ops.pebble.FileType.DIRECTORY, "link": ops.pebble.FileType.SYMLINK, "pipe": ops.pebble.FileType.NAMED_PIPE,
    }
    (info,) = client.list_files(path)
    assert (info.path, info.name, info.size, info.permissions, info.user_id, info.group_id) == (str(path), "file", len(big), 0o644, user, group)
    assert info.last_modified == datetime.datetime.fromtimestamp(int(path.stat().st_mtime), datetime.timezone.utc)
    (itself,) = client.list_files(tmp_path / "deep", itself=True)
    assert itself.type == ops.pebble.FileType.DIRECTORY and itself.size is None
    assert client.list_files(tmp_path / "deep", pattern="f*") == []
    client.remove_path(tmp_path / "nothing there", recursive=True)
    for attempt, kind, words in [
        (lambda: client.pull(tmp_path / "gone"), "not-found", "no such file or directory"),
        (lambda: client.pull(tmp_path), "generic-file-error", "can only read a regular file"),
        (lambda: client.push("relative", "x"), "generic-file-error", 'paths must be absolute, got "relative"'),
        (lambda: client.push(tmp_path / "no/parent", "x"), "not-found", "no such file or directory"),
        (lambda: client.push(path, "x", user="no such user"), "generic-file-error", "unknown user no such user"),
        (lambda: client.make_dir(tmp_path / "deep"), "generic-file-error", "file exists"),
        (lambda: client.remove_path(tmp_path / "gone"), "not-found", "no such file or directory"),
        (lambda: client.remove_path(tmp_path / "deep"), "generic-file-error", "directory not empty"),
    ]:
        with pytest.raises(ops.pebble.PathError) as failed:
            attempt()
        assert failed.value.kind == kind and words in failed.value.message
    with pytest.raises(ops.pebble.APIError) as missing:
        client.list_files(tmp_path / "gone")
    assert missing.value.code == 404


def test_commands_with_every_option(client, tmp_path):
    client.add_layer("x", services(context={"command": "sleep 1", "environment": {"FROM": "service"}, "working-dir": str(tmp_path)}))
    process = client.exec(["sh", "-c", "pwd; echo $FROM $OWN"], service_context="context", environment={"OWN": "request"})
    assert process.wait_output() == (f"{tmp_path}\nservice request\n", "")
    assert client.exec(["sh", "-c", "echo 1; echo 2 >&2"], combine_stderr=True).wait_output() == ("1\n2\n", None)
    assert client.exec(["cat"], stdin=b"\x00\xff", encoding=None).wait_output() == (b"\x00\xff", b"")
    assert client.exec(["cat"], stdin="größe", encoding="latin-1").wait_output() == ("größe", "")
    out, err = io.StringIO(), io.StringIO()
    client.exec(["sh", "-c", "cat; echo err >&2"], stdin=io.StringIO("from a file\n"), stdout=out, stderr=err).wait()
    assert (out.getvalue(), err.getvalue()) == ("from a file\n", "err\n")
    big = os.urandom(3_000_000)
    assert client.exec(["cat"], stdin=big, encoding=None).wait_output()[0] == big
    assert client.exec(["id", "-u"], user_id=os.getuid(), group_id=os.getgid(), working_dir=pathlib.Path("/")).wait_output()[0] == f"{os.getuid()}\n"

    process = client.exec(["cat"])  # a conversation
    for line in ("one\n", "two\n"):
        process.stdin.write(line)
        process.stdin.flush()
        assert process.stdout.readline() == line
    process.stdin.close()
    process.wait()

    process = client.exec(["sh", "-c", "trap 'exit 7' USR1; echo ready; while true; do sleep 0.01; done"])
    assert process.stdout.readline() == "ready\n"
    process.send_signal("SIGUSR1")
    with pytest.raises(ops.pebble.ExecError) as failed:
        process.wait()
    assert failed.value.exit_code == 7
    for options, words in [
        ({"service_context": "nope"}, 'context service "nope" not found'),
        ({"working_dir": "/nope"}, 'cannot call exec: working directory "/nope" does not exist'),
        ({"group": "no such group"}, "group: unknown group no such group"),
    ]:
        with pytest.raises(ops.pebble.APIError) as refused:
            client.exec(["true"], **options)
        assert refused.value.message == words


def test_many_charms_at_once(client):
    """Each of these has its own connections; none gets what belongs to another."""
    results = {}

    def run(number):
        results[number] = client.exec(["sh", "-c", f"cat; exit {number}"], stdin=f"input {number}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, process in results.items():
        with pytest.raises(ops.pebble.ExecError) as failed:
            process.wait_output()
        assert (failed.value.exit_code, failed.value.stdout) == (number, f"input {number}")


def test_no_daemon_is_a_connection_error(daemon, client):
    daemon.stop()
    with pytest.raises(ops.pebble.ConnectionError):
        client.get_system_info()
