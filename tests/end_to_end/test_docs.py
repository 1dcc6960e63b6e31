"""The documentation is true where a machine can tell: it builds without warnings, the tutorial works as written, layers in it are valid, commands
parse, and lists of variables, metrics and commands are complete."""

import concurrent.futures
import functools
import importlib.util
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import threading

import pytest
import yaml
from conftest import BINARY, ROOT, free_port, until
from test_access import port_of
from test_layer_schema import SECTIONS, parser_error, schema_errors

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md")) + [ROOT / "README.md"]
FENCE = re.compile(r"^( *)```(?:\{code-block\} ?)?(\w+)\n(.*?)^\1```", re.S | re.M)


class Block:
    """A piece of code in a page."""

    def __init__(self, page, indent, language, text):
        lines = [line.removeprefix(indent) for line in text.splitlines()]
        self.page, self.language, self.caption = page, language, ""
        if lines and (caption := re.fullmatch(r":caption: (.*)", lines[0])):
            self.caption, lines = caption[1], lines[2:]
        self.text = "\n".join(lines) + "\n"

    def __repr__(self):
        return f"{self.page.relative_to(ROOT)}: {self.text}"


def blocks(page, *languages):
    return [b for b in (Block(page, *m.groups()) for m in FENCE.finditer(page.read_text())) if b.language in languages]


@pytest.mark.skipif(importlib.util.find_spec("furo") is None, reason="Sphinx and Furo are not installed")
@pytest.mark.release_only
def test_it_builds_without_warnings(tmp_path):
    command = [os.sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going", "-b", "html", "-d", tmp_path / "cache", DOCS, tmp_path / "html"]
    done = subprocess.run(command, env=dict(os.environ, COBBLE_BINARY=BINARY), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    html = {p.relative_to(tmp_path / "html").as_posix() for p in (tmp_path / "html").rglob("*.html")}
    assert {p.relative_to(DOCS).with_suffix(".html").as_posix() for p in DOCS.rglob("*.md")} <= html
    assert "<!-- generated" not in (tmp_path / "html/reference/api.html").read_text()
    for file in ("openapi.yaml", "layer.schema.json"):
        assert (tmp_path / "html" / file).exists()


# The tutorial.


def steps(text):
    """Commands of a console block with the output that is shown after each."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def normal(lines):
    """Output without what differs from one time to another: times, numbers and the blanks that align columns."""
    text = re.sub(r"(today|yesterday) at \d\d:\d\d", "TIME", "\n".join(lines))
    text = re.sub(r"\d\d/\w{3}/\d{4}", "DATE", text)
    return re.sub(r"[ \t]+", " ", re.sub(r"\d+", "N", text)).strip()


class Shell:
    """One bash that runs commands one after another, as a reader does."""

    def __init__(self, folder, env):
        self.process = subprocess.Popen(["bash"], cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, command):
        self.process.stdin.write(f'{{ {command}\n}} </dev/null\nprintf \'\\n--end-- %s\\n\' "$PWD"\n')
        self.process.stdin.flush()
        lines = []
        limit = threading.Timer(120, self.process.kill)
        limit.start()
        while not (line := self.process.stdout.readline()).startswith("--end-- "):
            assert line, f"the shell ended at {command}"
            lines.append(line.rstrip("\n"))
        limit.cancel()
        if lines and not lines[-1]:
            del lines[-1]  # the line end before the mark: output needn't have one
        self.folder = pathlib.Path(line.removeprefix("--end-- ").rstrip("\n"))
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


# Looking again does no harm: what they show comes in its own time on a busy machine.
LOOKS = ("pebble services", "pebble checks", "pebble health", "pebble logs", "curl")


def follow(shell, command, shown):
    """Runs a command and holds what it prints against what the page shows; for `pebble changes` it shows nothing."""
    said = [shell.run(command)]

    def agrees():
        if normal(said[-1]) == normal(shown):
            return True
        said.append(shell.run(command))
        return False

    if command.startswith(LOOKS):
        until(agrees, f"{command} to print {shown}, not {said}")
    elif command != "pebble changes":
        assert normal(said[0]) == normal(shown), command


def test_the_tutorial_works_as_written(tmp_path):
    page = DOCS / "tutorial/first-service.md"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pebble").symlink_to(BINARY)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PEBBLE")}
    env |= {"PATH": f"{tmp_path}/bin:{env['PATH']}", "TZ": "UTC", "HOME": str(tmp_path)}
    port = str(free_port())
    log = tmp_path / "daemon.log"
    shell = Shell(tmp_path, env)
    shell.run("true")
    background = None

    def said_by_the_daemon():
        return log.read_text() if log.exists() else ""

    try:
        ran = 0
        for block in blocks(page, "console", "yaml"):
            text = block.text.replace("8180", port)
            if block.language == "yaml":
                (shell.folder / block.caption).write_text(text)
            elif block.caption == "Second terminal":
                commands = [command for command, _ in steps(text)]
                with open(log, "wb") as out:
                    background = subprocess.Popen(["bash", "-c", "\n".join(commands[:-1] + ["exec " + commands[-1]])], cwd=shell.folder, env=env, stdout=out, stderr=out)
                until(lambda: "Started default services" in said_by_the_daemon(), "the daemon to start its services")
                shown = normal(line for _, output in steps(text) for line in output).splitlines()
                assert set(shown) <= set(normal(said_by_the_daemon().splitlines()).splitlines())
            else:
                for command, output in steps(text):
                    follow(shell, command, output)
                    ran += 1
        assert ran > 20
        background.send_signal(signal.SIGINT)
        assert background.wait(60) == 0
    finally:
        shell.close()
        if background and background.poll() is None:
            background.terminate()
            background.wait(60)


def test_the_guide_to_https_works_as_written(daemon, tmp_path):
    page = DOCS / "how-to/https.md"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pebble").symlink_to(BINARY)
    daemon.start("--hold", "--https", "127.0.0.1:0")
    shell = Shell(tmp_path, daemon.env | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path)})
    fingerprint = daemon.get("/v1/pairing/window").get("fingerprint", "")
    real = {"HOST:8443": f"127.0.0.1:{port_of(daemon)}", "=FINGERPRINT": f"={fingerprint}"}
    answers = []
    try:
        for block in blocks(page, "shell", "yaml"):
            if block.caption == "identities.yaml":
                certificate = (tmp_path / "deployer.crt").read_text()
                pem = re.search(r"( *)-----BEGIN.*END CERTIFICATE-----\n", block.text, re.S)
                (tmp_path / block.caption).write_text(block.text.replace(pem[0], re.sub("^", pem[1], certificate, flags=re.M)))
            elif block.language == "yaml":
                if block.text.startswith("pairing:"):
                    daemon.add_layer("pairing", block.text)
            else:
                for line in block.text.splitlines():
                    if not line.startswith("pebble run"):
                        said = shell.run(functools.reduce(lambda text, name: text.replace(name, real[name]), real, line))
                        answers += [json.loads(text)["type"] for text in re.findall(r'\{"type".*\}', "\n".join(said))]
                        assert not re.search("(?m)^(error|curl):", "\n".join(said)), (line, said)
    finally:
        shell.close()
    assert answers and set(answers) == {"sync"}
    assert daemon.get("/v1/identities")["deployer"]["access"] == "admin"


def test_the_python_of_the_guide_to_ops_runs(daemon):
    charm, client = (b.text for b in blocks(DOCS / "how-to/ops.md", "python"))
    daemon.start("--hold")
    daemon.add_layer("web", "services: {web: {override: replace, command: sleep 100}}")
    names = {}
    exec(client.replace("/var/lib/pebble/default/.pebble.socket", str(daemon.socket)).replace('"migrate", "--all"', '"echo", "moved"'), names)
    assert names["output"] == "moved\n"
    exec(charm, names)
    names["client"].add_layer("charm", names["LAYER"], combine=True)
    assert "web-up" in names["client"].get_plan().checks


# Layers and commands in pages.


def layers_in_pages():
    for page in PAGES:
        for block in blocks(page, "yaml"):
            text = block.text.replace("…", "")
            content = yaml.safe_load(text)
            if isinstance(content, dict) and set(content) <= SECTIONS:
                yield block, text, content


def test_layers_in_pages_are_valid(tmp_path):
    found = list(layers_in_pages())
    assert len(found) > 10
    for block, text, content in found:
        assert schema_errors(text) == [], block
        merged = any(entry.get("override") == "merge" for section in content.values() if isinstance(section, dict) for entry in section.values() if isinstance(entry, dict))
        said = parser_error(text, tmp_path)
        # Pieces of a plan: what they complete and whom they name is elsewhere.
        piece = (merged and "plan must" in said) or ("services" not in content and "unknown service" in said)
        assert not said or piece, (block, said)


def pebble_commands():
    """Every command line in pages that begins with pebble, as words."""
    for page in PAGES:
        text = page.read_text()
        lines = [line for block in blocks(page, "console", "shell") for line in block.text.splitlines()]
        lines += re.findall(r"^    (pebble .*?)(?:   .*)?$", text, re.M)
        lines += [c for c in re.findall(r"`(pebble [^\s`]+ [^`]+)`", text) if not re.search(r"[A-Z…]{3,}", c.replace("SIGKILL", ""))]
        for line in lines:
            for part in re.split(r" && | \| ", line.removeprefix("$ ")):
                found = re.match(r"(?:[A-Z_]+=\S+ )*(?:docker exec \w+ )?(?:\S*/)?pebble (.*)", part)
                if found:
                    yield page, shlex.split(found[1], comments=True)


# What only the parser of the command line says.
WRONG_USE = r"unknown (flag|command|option)|required argument|invalid argument|too many arguments|expected argument|Invalid value"


def test_commands_in_pages_parse(tmp_path):
    """Each is run without a daemon: what it says then is about that, not about its words."""
    found = {tuple(words): page for page, words in pebble_commands()}
    assert len(found) > 30
    env = dict(os.environ, PEBBLE="/dev/null/none", HOME=str(tmp_path))
    env.pop("PEBBLE_SOCKET", None)

    def said(words):
        return subprocess.run([BINARY, *words], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL).stderr

    # Beside each other: some wait for a daemon that is just starting.
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        wrong = [(str(found[words]), words, text) for words, text in zip(found, pool.map(said, found)) if re.search(WRONG_USE, text)]
    assert not wrong


# Lists that must be complete.


def sources(*folders):
    return "\n".join(p.read_text() for folder in folders for p in sorted((ROOT / folder).rglob("*.cc")))


def test_every_variable_is_described():
    read = set(re.findall(r'(?:getenv|variable)\w*\("([A-Z_]+)"', sources("client", "daemon"))) | set(re.findall(r'"(PEBBLE_[A-Z_]+|PEBBLE)"', sources("client", "daemon")))
    assert {"PEBBLE", "PEBBLE_SOCKET", "PEBBLE_PERSIST", "TZ"} <= read
    page = (DOCS / "reference/environment.md").read_text()
    assert {name for name in read if f"`{name}`" not in page} == set()


def test_every_metric_is_described():
    made = set(re.findall(r'family\("(\w+)"', sources("daemon/api")))
    assert set(re.findall(r"^\| `(\w+)` \|", (DOCS / "reference/metrics.md").read_text(), re.M)) == made


def test_every_command_is_described(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "extensions"))
    monkeypatch.setenv("COBBLE_BINARY", BINARY)
    import generated_parts

    page = generated_parts.commands()
    names = set(re.findall(r'\.name = "([a-z-]+)",\n    \.summary', sources("client/commands")))
    assert len(names) > 30
    assert {name for name in names if f"### `{name}`" not in page} - {"debug"} == set()


def test_keys_of_the_state_file_are_described(daemon):
    daemon.start("--hold")
    daemon.cli("notify", "example.com/a")
    page = (DOCS / "reference/state-file.md").read_text()
    for key in json.loads((daemon.pebble / ".pebble.state").read_text()):
        assert f"`{key}`" in page
