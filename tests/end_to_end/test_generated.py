"""What is made from the tables of commands and layer keys: manual pages and completion scripts, in real readers and shells."""

import json
import shutil
import subprocess

import pytest
from conftest import BINARY, ROOT, Tmux, until

PAGES = sorted((ROOT / "packaging/man").iterdir())
SHELLS = {
    "bash": ("env PS1='PROMPT ' bash --norc --noprofile", "source <(pebble completion bash)"),
    "zsh": ("env PS1='PROMPT ' zsh -f", "autoload -U compinit && compinit -D && source <(pebble completion zsh)"),
    "fish": ("fish --no-config --init-command 'function fish_prompt; echo PROMPT \\ ; end'", "pebble completion fish | source"),
}


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed (packaging/dependencies --tests installs it)")


def test_the_files_of_packages_are_those_of_the_tables(tmp_path):
    subprocess.run([ROOT / "packaging/generate", BINARY, tmp_path], check=True)
    for folder in ("man", "completions"):
        files = lambda where: {f.name: f.read_text() for f in (where / folder).iterdir()}
        made, kept = files(tmp_path), files(ROOT / "packaging")
        assert sorted(made) == sorted(kept) and made == kept, "run packaging/generate"


def test_there_is_a_page_for_every_command():
    commands = subprocess.run([BINARY, ""], env={"GO_FLAGS_COMPLETION": "1"}, capture_output=True, text=True, check=True).stdout.split()
    assert [p.name for p in PAGES] == sorted([*(f"pebble-{c}.8" for c in commands), "pebble.8", "pebble-layer.5"])
    refused = subprocess.run([BINARY, "help", "--man", "nope"], capture_output=True, text=True)
    assert (refused.returncode, refused.stderr) == (1, 'error: no manual page for "nope"\n')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_manual_pages_are_without_fault(page):
    needs("man"), needs("mandoc")
    shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], env={"MANPAGER": "cat", "PATH": "/usr/bin:/bin", "MANWIDTH": "100"}, capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "") and "NAME" in shown.stdout and "SEE ALSO" in shown.stdout
    linted = subprocess.run(["mandoc", "-Tlint", page], capture_output=True, text=True)
    assert linted.stdout + linted.stderr == ""


@pytest.fixture(params=SHELLS)
def shell(request, daemon, tmp_path):
    needs(request.param)
    daemon.layer("001-base.yaml", json.dumps({
        "services": {name: {"override": "replace", "command": "sleep 1"} for name in ("frontend", "backend", "batch")},
        "checks": {name: {"override": "replace", "startup": "disabled", "exec": {"command": "true"}} for name in ("ready", "other")},
    }))  # fmt: skip
    daemon.start()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pebble").symlink_to(BINARY)
    (tmp_path / "a-layer.yaml").write_text("{}")
    command, load = SHELLS[request.param]
    env = {**daemon.env, "PATH": f"{tmp_path}/bin:{daemon.env['PATH']}", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    terminal = Tmux(tmp_path, env, shell=command)
    for line in (f"cd {tmp_path}", load, "echo lo''aded"):
        terminal.keys("-l", line)
        terminal.keys("Enter")
    terminal.until_shows("\nloaded")
    terminal.name = request.param
    yield terminal
    terminal.close()


def completed(terminal, line, *wanted, tabs=1, then="X"):
    """Types a line, Tab and one more letter, waits for the texts, and takes the line away."""
    terminal.keys("-l", line)
    for _ in range(tabs):
        terminal.keys("Tab")
    if then:
        terminal.keys("-l", then)
    shown = terminal.until_shows(*wanted)
    terminal.keys("C-u")
    terminal.keys("C-l")
    until(lambda: terminal.screen().count("pebble") == 0, "an empty screen")
    return shown


def test_shells_complete_commands_options_and_live_names(shell):
    completed(shell, "pebble valid", "pebble validate X")
    completed(shell, "pebble services --abs", "pebble services --abs-time X")
    completed(shell, "pebble services --format=y", "pebble services --format=yaml X")
    completed(shell, "pebble services --format y", "pebble services --format yaml X")
    completed(shell, "pebble restart fro", "pebble restart frontend X")
    completed(shell, "pebble logs -f frontend bac", "pebble logs -f frontend backend X")
    completed(shell, "pebble exec --context bat", "pebble exec --context batch X")
    completed(shell, "pebble check rea", "pebble check ready X")
    completed(shell, "pebble signal HU", "pebble signal HUP X")
    completed(shell, "pebble enter exec --conte", "pebble enter exec --context X")
    completed(shell, "pebble add label a-l", "pebble add label a-layer.yaml X")
    # fish shows what there is at the first Tab; a second one would choose.
    assert "frontend" not in completed(shell, "pebble start ba", "backend", "batch", tabs=1 if shell.name == "fish" else 2, then="")


def test_completion_of_names_does_not_wait_for_a_server(daemon):
    """A daemon that is not there is asked once, not for the seconds that commands have patience."""
    daemon.start()
    daemon.kill()
    env = dict(daemon.env, ASAN_OPTIONS="detect_leaks=0")  # which needs what strace takes
    asked = subprocess.run(["strace", "-f", "-e", "trace=connect", BINARY, "completion", "bash", "--", "start", ""], env=env, capture_output=True, text=True)
    assert (asked.returncode, asked.stdout) == (0, "") and asked.stderr.count("connect(") == 1
