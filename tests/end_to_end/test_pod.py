"""A whole pod as Juju makes it, from its manifest: a charm and a workload in containers of their own, `pebble` as PID 1 of both.

The charm is a real one on `ops` (pod/charm), run by its dispatch script; pod/containeragent and pod/hook-tool stand for Juju.
"""

import json
import pathlib
import re
import shutil
import signal
import site

import pytest
import yaml
from conftest import BINARY, ROOT, VERSION, free_port, until
from pods import Image, Pod, busybox_image, fetch, need_namespaces, python_image

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


WEB_LAYER = """\
services:
  web:
    override: replace
    command: httpd -f -p 127.0.0.1:{port} -h /srv/www
    startup: enabled
checks:
  page:
    override: replace
    level: ready
    startup: enabled
    http: {{url: "http://localhost:{port}/"}}
"""


def manifest(name, ports):
    """A manifest's text with other ports."""
    text = (ROOT / "packaging/kubernetes" / name).read_text()
    return re.sub("|".join(map(str, ports)), lambda port: str(ports[int(port.group())]), text)


class WebPod(Pod):
    """The pod of packaging/kubernetes/juju-pod.yaml with images that the test makes, on ports that are free."""

    def __init__(self, folder):
        self.port = free_port()
        text = manifest("juju-pod.yaml", {38812: free_port(), 38813: free_port()})
        super().__init__(folder, yaml.safe_load(text)["spec"], self.make_images(folder / "images"))
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
        return fetch(self.port, path)


@pytest.fixture
def pod(tmp_path):
    need_namespaces()
    made = WebPod(tmp_path)
    yield made
    made.close()


def template(name, ports):
    """The pod of a manifest's Deployment and its ConfigMaps, on other ports."""
    documents = {document["kind"]: document for document in yaml.safe_load_all(manifest(name, ports))}
    config_maps = {documents["ConfigMap"]["metadata"]["name"]: documents["ConfigMap"]["data"]} if "ConfigMap" in documents else {}
    config_maps = {name: {file: quicker(text) for file, text in data.items()} for name, data in config_maps.items()}
    return documents["Deployment"]["spec"]["template"]["spec"], config_maps


def quicker(layer):
    """A layer's checks at a pace for tests."""
    return re.sub(r"(period|timeout): (\d)s", r"\1: \g<2>00ms", layer)


def web_image(root):
    """An application of busybox, with this executable and the application's layer in it."""
    image = busybox_image(root)
    (root / "srv/www").mkdir(parents=True)
    (root / "srv/www/index.html").write_text("welcome\n")
    return image


def cobble_image(root):
    """The image that holds nothing else."""
    (root / "usr/bin").mkdir(parents=True)
    shutil.copy(BINARY, root / "usr/bin/pebble")
    return Image(root)


@pytest.fixture
def play(tmp_path):
    need_namespaces()
    played = []

    def start(*arguments):
        played.append(Pod(tmp_path, *arguments))
        played[-1].start()
        return played[-1]

    yield start
    for one in played:
        one.close()


def test_the_deployment_needs_no_rights(tmp_path, play):
    ports = {8080: free_port(), 4000: free_port()}
    image = web_image(tmp_path / "image")
    shutil.copy(BINARY, image.root / "usr/bin/pebble")
    (image.root / "var/lib/pebble/default/layers").mkdir(parents=True)
    (image.root / "var/lib/pebble/default/layers/001-web.yaml").write_text(WEB_LAYER.format(port=ports[8080]))
    spec, _ = template("deployment.yaml", ports)
    pod = play(spec, {"registry.example/web:1.0": image})
    until(lambda: pod.probe("web", "startup") == 200, "the start: " + pod.log("web"))
    until(lambda: fetch(ports[8080], "/") == (200, "welcome\n"), "the page")
    pod.until_ready("web")
    assert pod.probe("web", "liveness") == 200
    status = pathlib.Path(f"/proc/{pod.running['web'].pid}/status").read_text()
    assert "\nCapEff:\t0000000000000000\n" in status
    kept = pod.volumes["pebble"] / "default"
    assert {".pebble.socket", "layers"} <= {path.name for path in kept.iterdir()}
    assert pod.stop() == {"web": 0}
    assert (kept / ".pebble.state").exists()
    assert not (pod.running["web"].root / "var/lib/pebble/default/.pebble.state").exists()


def test_the_sidecar_tells_of_the_application(tmp_path, play):
    ports = {8080: free_port(), 4000: free_port()}
    web = web_image(tmp_path / "web-image")
    web.command = ["/bin/httpd", "-f", "-p", f"127.0.0.1:{ports[8080]}", "-h", "/srv/www"]
    spec, config_maps = template("sidecar.yaml", ports)
    images = {"registry.example/unchanged-web:1.0": web, f"registry.example/cobble:{VERSION}": cobble_image(tmp_path / "cobble-image")}
    pod = play(spec, images, config_maps)
    until(lambda: fetch(ports[8080], "/") == (200, "welcome\n"), "the page")
    pod.until_ready("checks")
    (pod.running["web"].root / "srv/www/index.html").unlink()
    until(lambda: pod.probe("checks", "readiness") == 502, "the page's check to fail")
    (pod.running["web"].root / "srv/www/index.html").write_text("welcome back\n")
    pod.until_ready("checks")
    pod.running["web"].close()
    until(lambda: pod.probe("checks", "readiness") == 502, "both checks to fail")
    pod.restart_ended()
    pod.until_ready("checks")
    assert pod.starts == {"checks": 1, "web": 2}
    pod.running["checks"].signal(signal.SIGTERM)
    assert pod.running["checks"].outer.wait(30) == 0


def test_an_image_that_knows_nothing_of_it(tmp_path, play):
    ports = {8080: free_port(), 4000: free_port()}
    spec, config_maps = template("unchanged-image.yaml", ports)
    images = {"registry.example/unchanged-web:1.0": web_image(tmp_path / "web-image"), f"registry.example/cobble:{VERSION}": cobble_image(tmp_path / "cobble-image")}
    pod = play(spec, images, config_maps)
    until(lambda: pod.probe("web", "startup") == 200, "the start: " + pod.log("web"))
    until(lambda: fetch(ports[8080], "/") == (200, "welcome\n"), "the page")
    assert (pod.volumes["tools"] / "pebble").read_bytes() == pathlib.Path(BINARY).read_bytes()
    pod.until_ready("web")
    assert pod.probe("web", "liveness") == 200
    assert pod.stop() == {"web": 0}


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
    until(lambda: pod.fetch("/") == (200, "welcome\n"), "the page")
    assert pod.fetch("/nowhere") == (404, "nothing here\n"), "the pushed configuration is not in force"
    pushed = web.root / "etc/web/httpd.conf"
    assert (pushed.stat().st_uid, pushed.stat().st_gid, pushed.stat().st_mode & 0o7777) == (0, 1000, 0o640)
    assert (web.root / "var/lib/web/steps").read_text() == "create\nfill\n"
    assert (web.root / "var/lib/web/who").read_text() == "web\n"
    pod.until_ready("web")

    # The check fails and recovers: the charm hears of both, the kubelet's probes follow; the container stays alive all the while.
    (web.root / "srv/www/health").unlink()
    seen = pod.wait_for("status-set blocked web-up is down", seen)
    assert (pod.probe("web", "readiness"), pod.probe("web", "liveness")) == (502, 200)
    (web.root / "srv/www/health").write_text("fine again\n")
    seen = pod.wait_for("status-set active web-up is up", seen)
    pod.until_ready("web")

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
    pod.until_ready("web")
    pod.until_ready("charm")

    # The pod is deleted: everything ends in order, and the shared volume holds no socket any more.
    assert pod.stop() == {"charm": 0, "web": 0}
    assert not (pod.data / "charm/containers/web/pebble.socket").exists()
    assert not [line for line in pod.record() if line.startswith("juju-log ERROR")], pod.record()
