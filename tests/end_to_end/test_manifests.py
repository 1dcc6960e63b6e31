"""What packaging/ offers to copy from: Kubernetes manifests and rockcraft.yaml files, held against schemas and this binary."""

import os
import subprocess

import kubernetes_validate
import pytest
import yaml
from conftest import BINARY, ROOT, VERSION

MANIFESTS = sorted((ROOT / "packaging/kubernetes").glob("*.yaml"))
ROCKS = sorted((ROOT / "packaging/rock").glob("*/rockcraft.yaml"))
# The oldest that the schemas are there for, and the newest.
KUBERNETES = ["1.32", kubernetes_validate.latest_version().rsplit(".", 1)[0]]


def documents():
    return [(path.name, document) for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())]


def containers(document):
    spec = document["spec"].get("template", document)["spec"] if document["kind"] in ("Deployment", "Pod") else {}
    return spec.get("initContainers", []) + spec.get("containers", [])


def validate(layer, tmp_path):
    path = tmp_path / "001-layer.yaml"
    path.write_text(layer if isinstance(layer, str) else yaml.safe_dump(layer, sort_keys=False))
    return subprocess.run([BINARY, "validate", path], capture_output=True, text=True)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name,document", documents(), ids=lambda value: value if isinstance(value, str) else value["kind"])
def test_kubernetes_takes_the_manifests(name, document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_find_mistakes():
    broken = next(document for name, document in documents() if document["kind"] == "Pod")
    broken["spec"]["containers"][0]["livenessProbe"]["httpGet"]["pfad"] = "/"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES[0], strict=True)


def test_manifests_agree_with_the_project(tmp_path):
    layers = [(name, file, text) for name, document in documents() for file, text in document.get("data", {}).items()]
    assert layers
    for name, file, text in layers:
        checked = validate(text, tmp_path)
        assert checked.returncode == 0, (name, file, checked.stderr)
    images = [container["image"] for _, document in documents() for container in containers(document)]
    assert f"registry.example/cobble:{VERSION}" in images
    assert not [image for image in images if "/cobble:" in image and not image.endswith(f":{VERSION}")]


@pytest.mark.parametrize("path", ROCKS, ids=lambda path: path.parent.name)
def test_a_rocks_services_and_checks_make_a_layer(path, tmp_path):
    rock = yaml.safe_load(path.read_text())
    layer = {key: rock[key] for key in ("summary", "description", "services", "checks")}
    checked = validate(layer, tmp_path)
    assert checked.returncode == 0, checked.stderr
    del next(iter(layer["services"].values()))["command"]
    assert validate(layer, tmp_path).returncode != 0


@pytest.mark.parametrize("place", ["usr/bin", "bin"])
@pytest.mark.parametrize("path", ROCKS, ids=lambda path: path.parent.name)
def test_a_rocks_pebble_is_replaced(path, place, tmp_path):
    script = yaml.safe_load(path.read_text())["parts"]["replace-pebble"]["override-prime"]
    for folder in ("tools", "build/bin", f"prime/{place}"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tools/craftctl").write_text("#!/bin/sh\n")
    (tmp_path / "tools/craftctl").chmod(0o755)
    (tmp_path / "build/bin/pebble").write_text("this one")
    env = {"PATH": f"{tmp_path}/tools:{os.environ['PATH']}", "CRAFT_PRIME": str(tmp_path / "prime"), "CRAFT_PART_BUILD": str(tmp_path / "build")}
    stock = tmp_path / "prime" / place / "pebble"
    # Without a stock file to replace something is wrong, and the rock is not made.
    assert subprocess.run(["bash", "-e", "-c", script], env=env, cwd=tmp_path / "prime").returncode != 0
    stock.write_text("the stock one")
    subprocess.run(["bash", "-e", "-c", script], env=env, cwd=tmp_path / "prime", check=True)
    assert (stock.read_text(), stock.stat().st_mode & 0o777) == ("this one", 0o755)
    assert [path.name for path in (tmp_path / "prime").rglob("*") if path.is_file()] == ["pebble"]
