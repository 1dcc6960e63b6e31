"""The release binary alone as PID 1 of a container that holds nothing else."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from conftest import BINARY, UnixConnection, free_port, until

pytestmark = pytest.mark.release_only
CHROOT = shutil.which("chroot", path="/usr/sbin:/sbin:/usr/bin:/bin")

HELPER = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* `orphan`: leaves a grandchild behind that ends by itself, then sleeps. Else: sleeps until SIGTERM. */
int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "orphan") == 0) {
    if (fork() == 0) {
      if (fork() == 0) { usleep(100000); _exit(3); }
      _exit(0);
    }
    wait(NULL);
  }
  puts("service is up");
  fflush(stdout);
  for (;;) pause();
}
"""

LAYER = """\
services:
  main:
    override: replace
    startup: enabled
    command: /service orphan
"""


@pytest.fixture(scope="module")
def static_service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    (folder / "service.c").write_text(HELPER)
    compiler = next((c for c in ("cc", "gcc", "clang-19") if shutil.which(c)), None)
    if compiler is None:
        pytest.skip("no C compiler")
    subprocess.run([compiler, "-static", "-O1", "-w", "-o", folder / "service", folder / "service.c"], check=True)
    return folder / "service"


class Container:
    """The binary as PID 1 in namespaces of its own, below a root that holds only what the test puts there."""

    def __init__(self, root, service, *, with_dev, with_proc, closed):
        self.root = root
        (root / "pebble-dir/layers").mkdir(parents=True)
        (root / "pebble-dir/layers/001-main.yaml").write_text(LAYER)
        shutil.copy(BINARY, root / "pebble")
        shutil.copy(service, root / "service")
        self.socket = root / "pebble-dir/.pebble.socket"
        command = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"]
        script = ["set -e", f"mount --bind {root} {root}"]
        if with_dev:
            (root / "dev").mkdir()
            script += [f"mount -t tmpfs none {root}/dev", f"mknod -m 666 {root}/dev/null c 1 3"]
        if with_proc:
            (root / "proc").mkdir()
            script += [f"mount -t proc none {root}/proc"]
        redirect = "0<&- 1>&- 2>&-" if closed else f"0<&- 1>{root}/out 2>{root}/log"
        script += [f"exec /usr/bin/env -i PEBBLE=/pebble-dir {CHROOT} {root} /pebble run {redirect}"]
        self.outside = subprocess.Popen([*command, "sh", "-c", "\n".join(script)])

    def request(self, method, path, body=None):
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, path, body and json.dumps(body))
            return json.loads(connection.getresponse().read())["result"]
        finally:
            connection.close()

    def answers(self):
        assert self.outside.poll() is None, self.log()
        try:
            return self.request("GET", "/v1/health")["healthy"]
        except (OSError, http.client.HTTPException):
            return False

    def log(self):
        path = self.root / "log"
        return path.read_text() if path.exists() else "(closed)"

    def pids(self):
        """Host ids of everything in the container, the daemon first."""
        inside = pathlib.Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children").read_text().split()
        found = []
        while inside:
            pid = inside.pop(0)
            found.append(int(pid))
            path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
            inside += path.read_text().split() if path.exists() else []
        return found

    def close(self):
        if self.outside.poll() is None:
            for pid in self.pids()[:1]:
                os.kill(pid, signal.SIGKILL)
            self.outside.wait(30)


def can_unshare():
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True).returncode == 0


@pytest.mark.parametrize("with_dev,with_proc,closed", [(True, True, False), (False, False, False), (False, False, True)])
def test_alone_as_pid_1(tmp_path, static_service, with_dev, with_proc, closed):
    if not can_unshare():
        pytest.skip("namespaces can't be made here")
    container = Container(tmp_path / "root", static_service, with_dev=with_dev, with_proc=with_proc, closed=closed)
    try:
        until(container.answers, "the daemon to answer")
        until(lambda: container.request("GET", "/v1/services")[0]["current"] == "active", "the service to be active")
        # The grandchild that lost its parent ends and is reaped: the daemon and its service remain.
        until(lambda: len(container.pids()) == 2, "the orphan to be gone")
        daemon, service = container.pids()
        assert pathlib.Path(f"/proc/{service}/status").read_text().count("Z (zombie)") == 0
        # Killed, the service comes back as another process.
        os.kill(service, signal.SIGKILL)
        until(lambda: len(container.pids()) == 2 and container.pids()[1] != service, "the service to be started again")
        change = http_stop_and_start(container)
        assert change["status"] == "Done"
        os.kill(daemon, signal.SIGTERM)
        assert container.outside.wait(30) == 0, container.log()
        assert not container.socket.exists()
        assert not pathlib.Path(f"/proc/{daemon}").exists()
    finally:
        container.close()


def http_stop_and_start(container):
    for action in ("stop", "start"):
        connection = UnixConnection(container.socket)
        connection.request("POST", "/v1/services", json.dumps({"action": action, "services": ["main"]}))
        change = json.loads(connection.getresponse().read())["change"]
        connection.close()
        result = container.request("GET", f"/v1/changes/{change}/wait")
    return result


def test_started_as_juju_starts_it(daemon):
    port = free_port()
    daemon.pebble.rmdir()
    daemon.start("--create-dirs", "--hold", "--http", f":{port}", "--verbose")
    for path in ("/v1/health", "/v1/health?level=alive", "/v1/health?level=ready"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["result"]) == (200, {"healthy": True})
        connection.close()
    # Over plain HTTP nothing else is open.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/v1/plan?format=yaml")
    assert connection.getresponse().status == 401
    connection.close()
    assert daemon.pebble.stat().st_mode & 0o777 == 0o700
    assert f'HTTP API server listening on ":{port}".' in daemon.log()
    daemon.add_layer("l", "services:\n  talker:\n    override: replace\n    command: sh -c 'echo said; sleep 1000'\n")
    daemon.services_action("start", ["talker"])
    until(lambda: "[talker] said\n" in daemon.out_path.read_text(), "the service's output on stdout")
    assert daemon.stop() == 0
