"""The Debian packages: built, looked over by lintian, installed, run, removed and purged below a copy of this machine's root."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import BINARY, FULL, ROOT, VERSION
from pods import need_namespaces

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
said man "$(man --path pebble)"
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


def build(folder):
    done = subprocess.run([ROOT / "packaging/package-deb", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    need("dpkg-buildpackage", "dh", "clang++-19")
    return build(tmp_path_factory.mktemp("packages"))


def test_what_the_package_is(packages, tmp_path):
    package = next(packages.glob("*.deb"))
    assert package.name == f"cobble_{VERSION}_{subprocess.check_output(['dpkg', '--print-architecture'], text=True).strip()}.deb"
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    digests = {hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() for path in (BINARY, tmp_path / "usr/bin/pebble")}
    assert len(digests) == 1, "the packaged executable is not that of the release build"
    field = subprocess.check_output(["dpkg-deb", "--field", package, "Static-Built-Using"], text=True)
    assert re.search(r"\bopenssl \(= 3\.[^)]+\), .*yaml-cpp \(= ", field), field
    assert "/lib" not in subprocess.check_output(["dpkg-deb", "--field", package, "Depends"], text=True)


def test_lintian_has_nothing_to_say(packages):
    need("lintian")
    done = subprocess.run(["lintian", "--fail-on", "error,warning", next(packages.glob("*.changes"))], capture_output=True, text=True)
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
        "man": "/usr/share/man/man8/pebble.8.gz",
        "verified": "",
        "completion": "complete -o default -F _pebble pebble",
        "services": "counter enabled active;web enabled active;",
        "ended": "0",
        "removed": " .pebble.state layers ",
        "purged": "",
    }
    assert not list(work.iterdir())


@pytest.mark.skipif(not FULL, reason="a second build: COBBLE_FULL=1 only")
def test_another_folder_gives_the_same_bytes(packages, tmp_path):
    again = build(tmp_path / "another")
    for name in sorted(path.name for path in packages.glob("*") if path.suffix in (".deb", ".dsc", ".xz")):
        assert (packages / name).read_bytes() == (again / name).read_bytes(), name
