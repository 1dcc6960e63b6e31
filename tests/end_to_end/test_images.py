"""The OCI images: made, unpacked and started as their configuration says, driven over a socket in a mounted folder."""

import http.client
import json
import pathlib
import shutil
import signal
import subprocess

import ops.pebble
import pytest
from conftest import BINARY, ROOT, free_port, until
from pods import Container, busybox_image, fetch, need_namespaces

pytestmark = pytest.mark.release_only

LAYER = """\
summary: A web application
services:
  web:
    override: replace
    command: httpd -f -p 127.0.0.1:{port} -h /srv/www
    startup: enabled
    user: web
checks:
  web-up:
    override: replace
    level: ready
    startup: enabled
    period: 500ms
    http:
      url: http://127.0.0.1:{port}/
"""


def make(folder, *options, tag="test"):
    done = subprocess.run([ROOT / "packaging/oci/image", "--binary", BINARY, "--tag", tag, *options, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(autouse=True)
def tools():
    need_namespaces()
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed")
    if not pathlib.Path("/usr/share/ca-certificates/mozilla").is_dir():
        pytest.skip("ca-certificates is not installed")


class Running:
    """A container of an image; its HTTP port is one that is free, its socket lies in a folder that is mounted."""

    def __init__(self, folder, image, tag="test"):
        self.port = free_port()
        subprocess.run(["umoci", "unpack", "--image", f"{image}:{tag}", folder / "bundle"], check=True, capture_output=True)
        process = json.loads((folder / "bundle/config.json").read_text())["process"]
        arguments = [f":{self.port}" if word == ":4000" else word for word in process["args"]]
        env = dict(pair.split("=", 1) for pair in process["env"])
        shared = folder / "shared"
        shared.mkdir()
        self.root = folder / "bundle/rootfs"
        self.log_path = folder / "log"
        with open(self.log_path, "wb") as log:
            env["PEBBLE_SOCKET"] = "/run/pebble/socket"
            self.container = Container(self.root, arguments, env=env, cwd=process["cwd"], mounts=[(shared, "/run/pebble", True)], log=log)
        self.client = ops.pebble.Client(socket_path=str(shared / "socket"))
        until(lambda: self.health("alive") is not None, "the health endpoint")

    def health(self, level):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/v1/health?level={level}")
            return connection.getresponse().status
        except OSError:
            assert self.container.outer.poll() is None, self.log_path.read_text()
            return None
        finally:
            connection.close()

    def stop(self):
        self.container.signal(signal.SIGTERM)
        return self.container.outer.wait(30)


@pytest.fixture
def run(tmp_path):
    started = []

    def start(image):
        started.append(Running(tmp_path, image))
        return started[-1]

    yield start
    for one in started:
        one.container.close()


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_the_image_alone(tmp_path, run):
    image = run(make(tmp_path / "image"))
    # The daemon has begun to write its state; the rest is the image's.
    assert [path for path in files(image.root) if "/.pebble.state" not in path] == [
        "etc/group",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/bin/pebble",
        "usr/share/doc/cobble/LICENSE",
    ]
    bundle = (image.root / "etc/ssl/certs/ca-certificates.crt").read_text()
    assert bundle.count("BEGIN CERTIFICATE") == len(list(pathlib.Path("/usr/share/ca-certificates/mozilla").glob("*.crt")))
    # The only program that it holds is this one: a supervisor runs in it as a service of itself.
    environment = {"PEBBLE": "/tmp/inner", "PEBBLE_SOCKET": "/tmp/inner/socket"}
    inner = {"override": "replace", "command": "pebble run --create-dirs", "startup": "enabled", "environment": environment}
    check = {"override": "replace", "level": "ready", "period": "500ms", "exec": {"command": "pebble health", "environment": environment}}
    image.client.add_layer("inner", {"services": {"inner": inner}, "checks": {"inner-up": check}})
    image.client.replan_services()
    assert image.client.get_services(["inner"])[0].is_running()
    until(lambda: (image.client.get_checks()[0].successes or 0) > 0, "the check's success")
    until(lambda: image.health("ready") == 200, "the check to succeed")
    output, _ = image.client.exec(["pebble", "version", "--client"], timeout=30).wait_output()
    assert output == "v1.32.1\n"
    assert image.stop() == 0
    assert "[inner] " in image.log_path.read_text()


def test_an_image_of_an_application(tmp_path, run):
    root, port = tmp_path / "application", free_port()
    busybox_image(root)
    (root / "srv/www").mkdir(parents=True)
    (root / "srv/www/index.html").write_text("welcome\n")
    layer = tmp_path / "010-web.yaml"
    layer.write_text(LAYER.format(port=port))
    image = run(make(tmp_path / "image", "--root", root, "--layer", layer))
    # What the application brings stays its own; the executable and the layer came on top.
    assert (image.root / "etc/passwd").read_bytes() == (root / "etc/passwd").read_bytes()
    assert (image.root / "var/lib/pebble/default/layers/001-web.yaml").read_bytes() == layer.read_bytes()
    web = until(lambda: [s for s in image.client.get_services() if s.is_running()], "the default service")[0]
    assert web.name == "web"
    until(lambda: fetch(port, "/") == (200, "welcome\n"), "the page")
    until(lambda: image.health("ready") == 200, "the check to succeed")
    assert image.client.pull("/srv/www/index.html").read() == "welcome\n"
    (image.root / "srv/www/index.html").unlink()
    until(lambda: image.health("ready") == 502, "the check to fail")
    assert image.health("alive") == 200
    assert image.stop() == 0


@pytest.mark.parametrize("name,text", [("web.yaml", "services:\n  web:\n    override: replace\n"), ("no_label.yaml", LAYER.format(port=8080))])
def test_a_broken_layer_makes_no_image(tmp_path, name, text):
    layer = tmp_path / name
    layer.write_text(text)
    done = subprocess.run([ROOT / "packaging/oci/image", "--binary", BINARY, "--layer", layer, tmp_path / "image"], capture_output=True, text=True)
    assert done.returncode != 0
    assert name.removesuffix(".yaml") in done.stderr
    assert not (tmp_path / "image").exists()


def test_the_same_input_gives_the_same_bytes(tmp_path):
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    assert files(one) == files(other)
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in files(one))
