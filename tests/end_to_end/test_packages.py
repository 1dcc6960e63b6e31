"""A release: its files, its Debian package (looked over by lintian; installed, run, removed and purged below a copy of this machine's root), what it
says it is made of."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import BINARY, FULL, ROOT, VERSION
from pods import need_namespaces
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

pytestmark = pytest.mark.release_only

# Below an overlay of this machine's root, whose changes end with the namespace.
OVERLAY = """\
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" none "$1/root"
overlay=$1
shift
exec bwrap --bind "$overlay/root" / --proc /proc --dev /dev --tmpfs /run --unshare-pid --unshare-net --ro-bind "$1" /mnt --die-with-parent sh -c "$2"
"""

INSTALL = r"""
set -e
said() { echo "== $*"; }
dpkg --install /mnt/cobble_*.deb >/dev/null
said installed "$(dpkg-query -W -f '${db:Status-Abbrev}' cobble)"
said version "$(pebble version --client)"
said enabled "$(readlink /etc/systemd/system/multi-user.target.wants/pebble.service)"
said directory "$(stat -c '%a %U' /var/lib/pebble/default)"
said man "$(man --path pebble pebble-run pebble-layer | tr '\n' ' ')"
said verified "$(systemd-analyze verify pebble.service 2>&1)"
said exposure "$(systemd-analyze security --offline=true pebble.service | tail -1)"
said completion "$(bash -c 'source /usr/share/bash-completion/completions/pebble && complete -p pebble')"
cp /usr/share/doc/cobble/examples/sample-layer.yaml /var/lib/pebble/default/layers/001-sample.yaml
pebble run 2>/dev/null &
until pebble health >/dev/null 2>&1; do kill -0 $!; sleep 0.05; done
pebble autostart >/dev/null
said services "$(pebble services | sed -e 1d -e 's/  */ /g' | cut -d ' ' -f 1-3 | tr '\n' ';')"
kill $!
wait $!
said ended $?
dpkg --remove cobble >/dev/null
said removed "$(ls /usr/bin/pebble /lib/systemd/system/pebble.service 2>/dev/null)" "$(ls -A /var/lib/pebble/default | tr '\n' ' ')"
dpkg --purge cobble >/dev/null 2>&1
said purged "$(ls -d /var/lib/pebble /etc/systemd/system/multi-user.target.wants/pebble.service 2>/dev/null)"
"""


def release(folder, **environment):
    """Makes a release in the folder `files` of this folder, and everything else it needs there as well."""
    environment |= {"TMPDIR": str(folder)}
    done = subprocess.run([ROOT / "packaging/release", folder / "files"], env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert [path.name for path in folder.iterdir()] == ["files"]
    return folder / "files"


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    need("git", "dpkg-buildpackage", "dh", "clang++-19", "umoci")
    if not (ROOT / ".git").exists():
        pytest.skip("a release is made of what git tracks, and this is no checkout")
    return release(tmp_path_factory.mktemp("release"))


def test_one_executable_in_all_files(packages, tmp_path):
    architecture = output("dpkg", "--print-architecture").strip()
    name = f"cobble-{VERSION}-linux-{architecture}"
    expected = [
        f"cobble-{VERSION}-{architecture}.spdx.json",
        f"cobble-{VERSION}-oci-{architecture}.tar",
        f"{name}-debug.tar.xz",
        f"{name}.tar.xz",
        f"cobble_{VERSION}.dsc",
        f"cobble_{VERSION}.tar.xz",
        f"cobble_{VERSION}_{architecture}.deb",
    ]
    assert sorted(path.name for path in packages.iterdir()) == sorted(["SHA256SUMS", *expected])
    summed = dict(reversed(line.split("  ")) for line in (packages / "SHA256SUMS").read_text().splitlines())
    assert summed == {one: hashlib.sha256((packages / one).read_bytes()).hexdigest() for one in expected}

    for folder in ("deb", "archive", "debug", "oci"):
        (tmp_path / folder).mkdir()
    output("dpkg-deb", "--extract", packages / f"cobble_{VERSION}_{architecture}.deb", tmp_path / "deb")
    output("tar", "-x", "-f", packages / f"{name}.tar.xz", "-C", tmp_path / "archive")
    output("tar", "-x", "-f", packages / f"{name}-debug.tar.xz", "-C", tmp_path / "debug")
    output("tar", "-x", "-f", packages / f"cobble-{VERSION}-oci-{architecture}.tar", "-C", tmp_path / "oci")
    output("umoci", "unpack", *([] if os.geteuid() == 0 else ["--rootless"]), "--image", f"{tmp_path}/oci:{VERSION}", tmp_path / "bundle")
    executable = pathlib.Path(BINARY).read_bytes()
    for path in (tmp_path / "deb/usr/bin/pebble", tmp_path / "archive" / name / "bin/pebble", tmp_path / "bundle/rootfs/usr/bin/pebble"):
        assert path.read_bytes() == executable, f"{path} is not the release build's"
    identity = [re.search(r"Build ID: (\w+)", output("readelf", "-n", path)).group(1) for path in (BINARY, tmp_path / "debug/pebble.debug")]
    assert identity[0] == identity[1]


def test_what_it_is_made_of(packages):
    path = next(packages.glob("*.spdx.json"))
    document = parse_file(str(path))
    assert validate_full_spdx_document(document) == []
    parts = {package.name: package for package in document.packages}
    assert parts["cobble"].version == VERSION
    assert parts["cobble"].checksums[0].value == hashlib.sha256(pathlib.Path(BINARY).read_bytes()).hexdigest()
    linked = {relation["relatedSpdxElement"] for relation in json.loads(path.read_text())["relationships"] if relation["relationshipType"] == "STATIC_LINK"}
    assert linked >= {"SPDXRef-glibc", "SPDXRef-openssl", "SPDXRef-yaml-cpp", "SPDXRef-c-ares", "SPDXRef-libxcrypt", "SPDXRef-gcc-12"}
    assert parts["openssl"].version == output("dpkg-query", "-W", "-f", "${source:Version}", "libssl-dev")
    assert str(parts["glibc"].license_declared) == "LGPL-2.1-or-later"
    # The package's own field tells the same.
    field = output("dpkg-deb", "--field", next(packages.glob("*.deb")), "Static-Built-Using")
    assert dict(re.findall(r"(\S+) \(= ([^)]+)\)", field)) == {name: part.version for name, part in parts.items() if name != "cobble"}


def test_lintian_has_nothing_to_say(packages):
    need("lintian")
    done = subprocess.run(["lintian", "--fail-on", "error,warning", *packages.glob("*.dsc"), *packages.glob("*.deb")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_installed_run_removed_and_purged(packages, tmp_path):
    need_namespaces()
    need("systemd-analyze", "man")
    work = tmp_path / "overlay"
    work.mkdir()
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "sh", "-c", OVERLAY, "sh", work, packages, "true"], capture_output=True).returncode:
        pytest.skip("an overlay of the root can't be mounted here")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", OVERLAY, "sh", work, packages, INSTALL], capture_output=True, text=True, timeout=300)
    told = dict(re.findall(r"^== (\w+) ?(.*)$", done.stdout, re.M))
    assert done.returncode == 0, (done.stdout, done.stderr)
    exposure = float(re.search(r"\d+\.\d+", told.pop("exposure")).group())
    assert exposure < 5, "the unit is less closed than it was"
    assert told == {
        "installed": "ii ",
        "version": "v1.32.1",
        "enabled": "/lib/systemd/system/pebble.service",
        "directory": "700 root",
        "man": "/usr/share/man/man8/pebble.8.gz /usr/share/man/man8/pebble-run.8.gz /usr/share/man/man5/pebble-layer.5.gz ",
        "verified": "",
        "completion": "complete -F _pebble pebble",
        "services": "counter enabled active;web enabled active;",
        "ended": "0",
        "removed": " .pebble.state layers ",
        "purged": "",
    }
    assert not list(work.iterdir())


@pytest.mark.skipif(not FULL, reason="a second build without the compiler cache: COBBLE_FULL=1 only")
def test_another_folder_gives_the_same_bytes(packages, tmp_path):
    again = release(tmp_path, CCACHE_DISABLE="1")
    assert (packages / "SHA256SUMS").read_text() == (again / "SHA256SUMS").read_text()
