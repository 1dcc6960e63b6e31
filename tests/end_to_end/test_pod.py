"""A whole pod as Juju makes it, from its manifest: a charm and a workload in containers of their own, `pebble` as PID 1 of both.

The charm is a real one on `ops` (pod/charm), run by its dispatch script; pod/containeragent and pod/hook-tool stand for Juju.
"""

import json
import pathlib
import shutil
import signal
import site
import urllib.error
import urllib.request

import pytest
import yaml
from conftest import BINARY, ROOT, free_port, until
from pods import Pod, busybox_image, need_namespaces, python_image

pytestmark = pytest.mark.release_only
HERE = pathlib.Path(__file__).parent / "pod"

MIGRATE = """\
#!/bin/sh
# migrate --plan -: applies the steps on standard input and tells the version of the schema.
set -e
cat >steps
id -un >who
echo "$SCHEMA.$(grep -c . steps)"
"""


class WebPod(Pod):
    """The pod of packaging/kubernetes/juju-pod.yaml with images that the test makes, on ports that are free."""

    def __init__(self, folder):
        self.port = free_port()
        text = (ROOT / "packaging/kubernetes/juju-pod.yaml").read_text()
        for port in ("38812", "38813"):
            text = text.replace(port, str(free_port()))
        manifest = yaml.safe_load(text)
        super().__init__(folder, manifest, self.make_images(folder / "images"))
        self.data = self.volumes["charm-data"]
        self.record_path = self.data / "var/lib/juju/record"

    def make_images(self, folder):
        agent, charm, web = python_image(folder / "agent"), python_image(folder / "charm"), busybox_image(folder / "web")
        for name in ("containeragent", "hook-tool"):
            shutil.copy(HERE / name, agent.root / "opt" / name)
        shutil.copy(BINARY, agent.root / "opt/pebble")
        shutil.copytree(HERE / "charm", agent.root / "opt/charm", ignore=shutil.ignore_patterns("__pycache__"))
        (agent.root / "opt/charm/venv").symlink_to("/opt/site-packages")
        (charm.root / "opt/config.json").write_text(json.dumps({"port": self.port}))
        charm.binds.append((site.getsitepackages()[0], "/opt/site-packages"))
        for name in ("srv/www", "var/lib/web"):
            (web.root / name).mkdir(parents=True)
        shutil.chown(web.root / "var/lib/web", 1000, 1000)
        (web.root / "srv/www/index.html").write_text("welcome\n")
        (web.root / "srv/www/health").write_text("fine\n")
        (web.root / "srv/www/missing.html").write_text("nothing here\n")
        (web.root / "usr/bin/migrate").write_text(MIGRATE)
        (web.root / "usr/bin/migrate").chmod(0o755)
        return {
            "registry.example/juju/agent-with-cobble:3.6": agent,
            "registry.example/juju/charm-base:ubuntu-24.04": charm,
            "registry.example/web:1.0": web,
        }

    def record(self):
        """What the charm said to Juju, a line each."""
        return self.record_path.read_text().splitlines() if self.record_path.exists() else []

    def wait_for(self, line, since=0):
        """Waits until the charm said that line (after the first `since` ones); returns the number of lines so far."""

        def said():
            assert "hook failed" not in self.log("charm"), "\n".join(self.record()[since:])
            return line in self.record()[since:]

        until(said, repr(line), limit=120)
        return len(self.record())

    def fetch(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def pod(tmp_path):
    need_namespaces()
    made = WebPod(tmp_path)
    yield made
    made.close()


def test_a_charm_brings_its_workload_up_and_up_again(pod):
    pod.start()
    web = pod.running["web"]
    # Both containers run this executable as PID 1, out of the shared volume, each below a root of its own.
    for name in ("charm", "web"):
        until(lambda: pod.probe(name, "liveness") == 200, f"{name} to live: {pod.log(name)}")
        assert pathlib.Path(f"/proc/{pod.running[name].pid}/exe").resolve().name == "pebble"
    assert pod.probe("charm", "startup") == 200

    # pebble-ready: a file pushed, a migration run as another user, a layer added, the plan carried out.
    seen = pod.wait_for("status-set active started")
    assert "application-version-set 3.2" in pod.record()
    assert pod.fetch("/") == (200, "welcome\n")
    assert pod.fetch("/nowhere") == (404, "nothing here\n"), "the pushed configuration is not in force"
    pushed = web.root / "etc/web/httpd.conf"
    assert (pushed.stat().st_uid, pushed.stat().st_gid, pushed.stat().st_mode & 0o7777) == (0, 1000, 0o640)
    assert (web.root / "var/lib/web/steps").read_text() == "create\nfill\n"
    assert (web.root / "var/lib/web/who").read_text() == "web\n"
    assert pod.probe("web", "readiness") == 200

    # The check fails and recovers: the charm hears of both, the kubelet's probes follow; the container stays alive all the while.
    (web.root / "srv/www/health").unlink()
    seen = pod.wait_for("status-set blocked web-up is down", seen)
    assert (pod.probe("web", "readiness"), pod.probe("web", "liveness")) == (502, 200)
    (web.root / "srv/www/health").write_text("fine again\n")
    seen = pod.wait_for("status-set active web-up is up", seen)
    assert pod.probe("web", "readiness") == 200

    # The workload tells of a backup; the charm fetches it.
    backup = bytes(range(256)) * 1000
    (web.root / "tmp/backup").write_bytes(backup)
    inside = {"PEBBLE_SOCKET": "/charm/container/pebble.socket"}
    web.enter("/charm/bin/pebble", "notify", "example.com/web/backup", "path=/tmp/backup", env=inside)
    seen = pod.wait_for(f"status-set active fetched {len(backup)} bytes", seen)
    assert (pod.data / "var/lib/juju/backup").read_bytes() == backup
    assert "[web] " in pod.log("web"), "the service's output is not in the container's log"

    # The workload dies with all that was in its root; its socket stays behind in the volume. The charm brings it up again.
    web.signal(signal.SIGKILL)
    assert web.outer.wait(30) == 128 + signal.SIGKILL
    assert (pod.probe("web", "liveness"), (pod.data / "charm/containers/web/pebble.socket").exists()) == (None, True)
    pod.restart_ended()
    again = pod.running["web"]
    assert again is not web and pod.starts == {"charm-init": 1, "charm": 1, "web": 2}
    seen = pod.wait_for("status-set active started", seen)
    until(lambda: pod.fetch("/nowhere") == (404, "nothing here\n"), "the application to answer")
    assert (again.root / "var/lib/web/steps").read_text() == "create\nfill\n"
    assert (pod.probe("web", "readiness"), pod.probe("charm", "readiness")) == (200, 200)

    # The pod is deleted: everything ends in order, and the shared volume holds no socket any more.
    assert pod.stop() == {"charm": 0, "web": 0}
    assert not (pod.data / "charm/containers/web/pebble.socket").exists()
    assert not [line for line in pod.record() if line.startswith("juju-log ERROR")], pod.record()
