"""layers/layer.schema.json says the same of a layer as `pebble validate`, and knows every key that the parser knows. What a schema can't
tell, and where it is stricter on purpose, is named in this file."""

import ast
import json
import pathlib
import random
import re
import subprocess

import jsonschema
import pytest
import yaml
from conftest import BINARY, FULL, ROOT

SCHEMA = json.loads((ROOT / "layers/layer.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
CHECKER = pathlib.Path(BINARY).parent / "layer_check"
SECTIONS = set(SCHEMA["properties"])

# What `pebble validate` refuses and the schema can't: its message, and why.
SCHEMA_CANNOT = (
    (r'service "[^"]*" does not exist|specifies (unknown|non-existent) service|not defined for service', "names of other entries"),
    (r"services in before/after loop", "the order as a whole"),
    (r"command invalid", "quotes and [ … ] of commands"),
    (r"unknown (user|group|userid) |does not match (user|group)-id", "users and groups are those of the system"),
    (r'plan must (define|set|specify one of) |must specify user', "`override: merge` completes an entry of a layer below"),
    (r"already defined at line|unknown anchor|yaml: (line \d+: )?(found|did not find|could not find|control)", "YAML itself is the editor's part"),
)
# What the schema refuses though the daemon takes it, for the reference's sake: where, and why it is never meant.
SCHEMA_STRICTER = (
    (r"services\.[^.]*\.startup", "any word but `enabled` counts as `disabled`: a slip"),
    (r"checks\.[^.]*\.tcp\.port", "no such port"),
    (r".*\.(backoff-delay|backoff-limit|kill-delay|period|timeout)", "negative: counts as none"),
    (r"(summary|description|services|checks|log-targets|workloads)", "null is taken as `~` but refused when nothing stands there; the two look the same to an editor"),
    (r"pairing", "anything but a map counts as empty"),
    (r".*\.(user-id|group-id|port|threshold)", "`1_000` and `0b11` are numbers for the daemon and text for YAML 1.2"),
    (r".*\.backoff-factor", "texts that only the daemon reads as a number (`1e3` in quotes, hexadecimal, `nan`)"),
)


class Loader(yaml.SafeLoader):
    """Reads scalars as YAML 1.2's core schema, as editors do: PyYAML takes `yes`, dates and 1:30 for other things than text."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^({pattern})$"), list(first))
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(re.sub(r"^([-+]?)0+(?=\d)", r"\1", node.value), 0))


def schema_errors(text):
    """Paths (`checks.up.tcp.port`) of what the schema refuses; none: valid."""
    return [".".join(map(str, e.absolute_path)) for e in VALIDATOR.iter_errors(yaml.load(text, Loader))]


def parser_error(text, folder):
    """What `pebble validate` says against a layer; empty: valid."""
    file = folder / "layer.yaml"
    file.write_text(text)
    result = subprocess.run([BINARY, "validate", file], capture_output=True, text=True, timeout=60)
    return "" if result.returncode == 0 else " ".join(result.stderr.split())


def disagreement(text, folder):
    """Why schema and parser disagree on a layer beyond what is named above; empty when they don't."""
    said = parser_error(text, folder)
    try:
        refused = schema_errors(text)
    except yaml.YAMLError as error:
        return "" if said else f"the parser takes what isn't YAML: {error}"
    if said and not refused and not any(re.search(pattern, said) for pattern, _ in SCHEMA_CANNOT):
        return "only the parser refuses: " + said
    if refused and not said and not all(any(re.fullmatch(pattern, path) for pattern, _ in SCHEMA_STRICTER) for path in refused):
        return f"only the schema refuses: {refused}"
    return ""


def texts_in(path):
    """Texts in a source file that may be layers."""
    source = path.read_text()
    if path.suffix == ".yaml":
        return [source]
    if path.suffix == ".py":
        return [n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    # C++: strings stand side by side as in Python, and nearly all escapes are the same.
    strings = re.findall(r'(?<![\w\'])((?:"(?:[^"\\\n]|\\.)*"\s*)+)', source)
    return [ast.literal_eval(f"({s})") for s in strings if "override" in s] + re.findall(r'R"(?:\w*)\((.*?)\)\w*"', source, re.S)


def layers_of_the_project():
    patterns = ("tests/**/*.py", "tests/**/*.cc", "tests/**/*.yaml", "packaging/**/*.yaml", "docs/**/*.yaml")
    for path in sorted(p for pattern in patterns for p in ROOT.glob(pattern) if p.name != pathlib.Path(__file__).name):
        for text in texts_in(path):
            try:
                layer = yaml.load(text, Loader)
            except (yaml.YAMLError, ValueError):
                continue
            if isinstance(layer, dict) and layer and set(layer) <= SECTIONS and set(layer) - {"summary", "description"}:
                yield path, text


def test_layers_of_the_project(tmp_path):
    layers = list(layers_of_the_project())
    assert len(layers) > 50
    wrong = [(str(path), reason, text) for path, text in layers if (reason := disagreement(text, tmp_path))]
    assert not wrong, "\n\n".join("\n".join(w) for w in wrong[:5])


def entry(section, text):
    return f"{section}:\n  x: {{{text}}}\n"


SERVICE = "override: replace, command: c"
CHECK = "override: replace, http: {url: u}"
TARGET = "override: replace, type: loki, location: l"

GOOD = {
    "nothing": "",
    "an empty map": "{}",
    "everything of a service": entry(
        "services",
        "override: replace, command: 5, summary: s, description: d, startup: enabled, after: [a, ~, 1], before: ~, requires: [x], environment: {A: 1, B: ~, C: true},"
        "user-id: 0, group-id: 017, working-dir: /, on-success: failure-shutdown, on-failure: success-shutdown, on-check-failure: {a: ignore, b: ~, c: ''},"
        "backoff-delay: 0, backoff-factor: 1.5, backoff-limit: 1h1m.5s, kill-delay: 10µs",
    ),
    "keys without values": entry("services", SERVICE + ", startup: ~, on-success: ~, environment: ~, user: ~, backoff-delay: ~, backoff-factor: ~, user-id: ~"),
    "a user and a group": entry("services", SERVICE + ", user: root, group: root"),
    "a factor as text": entry("services", SERVICE + ", backoff-factor: '2.5'"),
    "an endless factor": entry("services", SERVICE + ", backoff-factor: inf"),
    "a number cut off": entry("checks", CHECK + ", threshold: 1.5"),
    "everything of a check": entry("checks", CHECK + ", level: ready, startup: disabled, period: 1m, timeout: .5s, threshold: 0, tcp: ~"),
    "headers": entry("checks", "override: replace, http: {url: u, headers: {A: 1, B: ~}}"),
    "tcp": entry("checks", "override: replace, tcp: {port: 80, host: ~}"),
    "exec": entry("checks", "override: replace, exec: {command: c, user-id: 0, group-id: 0, environment: {}, working-dir: /, service-context: ~}"),
    "everything of a log target": entry(
        "log-targets",
        TARGET + ", services: [all, -all], labels: {a: $b, '': 1, PEBBLE_x: y}, headers: {X-A: 'b\\tc'}, compression: gzip, tls: {ca-file: a, cert-file: b, key-file: c}",
    ),
    "a log target of any name": "log-targets: {'': {" + TARGET + ", tls: ~, compression: ~, labels: ~}}",
    "a workload": "workloads: {w: {override: replace, user: root, group: root, environment: {A: b}}}\nservices: {x: {" + SERVICE + ", workload: w}}",
    "pairing": "pairing: {mode: single}",
    "pairing without a mode": "pairing: {}",
    "pairing with nothing": "pairing:",
}
# One rule each.
BAD = {
    "a list": "[a]",
    "a text": "a",
    "an unknown section": "x-mine: 1",
    "an unknown section without value": "foo:",
    "a section in another case": "Services: {}",
    "a summary that is a list": "summary: []",
    "services as a list": "services: []",
    "services as text": "services: a",
    "an empty section": "services:",
    "checks as a list": "checks: []",
    "log targets as a list": "log-targets: []",
    "workloads as a list": "workloads: [a]",
    "a null service": "services: {x: ~}",
    "a null check": "checks: {x: ~}",
    "a null log target": "log-targets: {x: ~}",
    "a null workload": "workloads: {x: ~}",
    "a service as text": "services: {x: y}",
    "an empty service name": "services: {'': {" + SERVICE + "}}",
    "the service name pebble": "services: {pebble: {" + SERVICE + "}}",
    "a service name with a dash in front": "services: {-a: {" + SERVICE + "}}",
    "an empty check name": "checks: {'': {" + CHECK + "}}",
    "an empty workload name": "workloads: {'': {override: replace}}",
    "no override (service)": "services: {x: {command: c}}",
    "no override (check)": "checks: {x: {http: {url: u}}}",
    "no override (log target)": "log-targets: {x: {type: loki, location: l}}",
    "no override (workload)": "workloads: {x: {}}",
    "an empty override": "services: {x: {override: '', command: c}}",
    "a wrong override": "services: {x: {override: Merge, command: c}}",
    "a wrong override (workload)": "workloads: {x: {override: bazinga}}",
    "no command": "services: {x: {override: replace}}",
    "an empty command": "services: {x: {override: replace, command: ''}}",
    "a command as a list": "services: {x: {override: replace, command: [a, b]}}",
    "an unknown key of a service": entry("services", SERVICE + ", future: 1"),
    "a key in snake case": entry("services", SERVICE + ", user_id: 1"),
    "a list as text": entry("services", SERVICE + ", after: b"),
    "a list of lists": entry("services", SERVICE + ", requires: [[a]]"),
    "an environment as a list": entry("services", SERVICE + ", environment: [A=b]"),
    "an environment of maps": entry("services", SERVICE + ", environment: {A: {}}"),
    "a user ID in quotes": entry("services", SERVICE + ", user-id: '0'"),
    "a user ID that is a boolean": entry("services", SERVICE + ", user-id: true"),
    "a user ID beyond 64 bits": entry("services", SERVICE + ", user-id: 99999999999999999999"),
    "on-success": entry("services", SERVICE + ", on-success: success-shutdown"),
    "on-failure": entry("services", SERVICE + ", on-failure: failure-shutdown"),
    "on-failure in capitals": entry("services", SERVICE + ", on-failure: Restart"),
    "on-check-failure": entry("services", SERVICE + ", on-check-failure: {a: halt}"),
    "on-check-failure as a list": entry("services", SERVICE + ", on-check-failure: [a]"),
    "a factor below 1": entry("services", SERVICE + ", backoff-factor: 0.99"),
    "a factor as text below 1": entry("services", SERVICE + ", backoff-factor: '0.5'"),
    "a factor that is a word": entry("services", SERVICE + ", backoff-factor: fast"),
    "YAML's own infinity": entry("services", SERVICE + ", backoff-factor: .inf"),
    "a duration without a unit": entry("services", SERVICE + ", backoff-delay: 1"),
    "a duration in days": entry("services", SERVICE + ", backoff-limit: 1d"),
    "a duration with a space": entry("services", SERVICE + ", kill-delay: 1 s"),
    "an empty duration": entry("services", SERVICE + ", kill-delay: ''"),
    "a duration that is a list": entry("services", SERVICE + ", kill-delay: [1s]"),
    "workload and user": "workloads: {w: {override: replace}}\nservices: {x: {" + SERVICE + ", workload: w, user: root}}",
    "workload and group ID": "workloads: {w: {override: replace}}\nservices: {x: {" + SERVICE + ", workload: w, group-id: 0}}",
    "an unknown key of a check": entry("checks", CHECK + ", retries: 1"),
    "a level": entry("checks", CHECK + ", level: up"),
    "startup of a check": entry("checks", CHECK + ", startup: on"),
    "a period of zero": entry("checks", CHECK + ", period: 0s"),
    "a period of just 0": entry("checks", CHECK + ", period: 0"),
    "a timeout of zero": entry("checks", CHECK + ", timeout: 0m0.0s"),
    "a threshold as text": entry("checks", CHECK + ", threshold: three"),
    "no kind": "checks: {x: {override: replace}}",
    "a null kind": "checks: {x: {override: replace, http: ~}}",
    "two kinds": "checks: {x: {override: replace, http: {url: u}, tcp: {port: 1}}}",
    "a kind that is text": "checks: {x: {override: replace, http: u}}",
    "http without a url": "checks: {x: {override: replace, http: {}}}",
    "an unknown key of http": "checks: {x: {override: replace, http: {url: u, method: POST}}}",
    "tcp without a port": "checks: {x: {override: replace, tcp: {host: h}}}",
    "port 0": "checks: {x: {override: replace, tcp: {port: 0}}}",
    "a port as text": "checks: {x: {override: replace, tcp: {port: http}}}",
    "an unknown key of tcp": "checks: {x: {override: replace, tcp: {port: 1, tls: true}}}",
    "exec without a command": "checks: {x: {override: replace, exec: {}}}",
    "an unknown key of exec": "checks: {x: {override: replace, exec: {command: c, shell: true}}}",
    "exec with a group alone": "checks: {x: {override: replace, exec: {command: c, group: root}}}",
    "a merged exec with a group alone": "checks: {x: {override: merge, exec: {command: c, group-id: 0}}}",
    "an unknown key of a log target": entry("log-targets", TARGET + ", tenant: 1"),
    "an unknown type": "log-targets: {x: {override: replace, type: kafka, location: l}}",
    "no type": "log-targets: {x: {override: replace, location: l}}",
    "no location": "log-targets: {x: {override: replace, type: syslog}}",
    "an empty location": "log-targets: {x: {override: replace, type: syslog, location: ''}}",
    "services of a log target as text": entry("log-targets", TARGET + ", services: all"),
    "a reserved label": entry("log-targets", TARGET + ", labels: {pebble_x: y}"),
    "labels as a list": entry("log-targets", TARGET + ", labels: [x]"),
    "a header with a space in its name": entry("log-targets", TARGET + ", headers: {'A B': c}"),
    "a header without a name": entry("log-targets", TARGET + ", headers: {'': c}"),
    "a header of the daemon's own": entry("log-targets", TARGET + ", headers: {content-TYPE: c}"),
    "a header over two lines": entry("log-targets", TARGET + ', headers: {A: "b\\nc"}'),
    "a compression": entry("log-targets", TARGET + ", compression: zstd"),
    "an unknown key of tls": entry("log-targets", TARGET + ", tls: {verify: false}"),
    "tls as text": entry("log-targets", TARGET + ", tls: none"),
    "a key without its certificate": entry("log-targets", TARGET + ", tls: {key-file: k}"),
    "an unknown key of a workload": "workloads: {x: {override: replace, command: c}}",
    "a workload with a group alone": "workloads: {x: {override: replace, group: root}}",
    "a pairing mode": "pairing: {mode: always}",
    "an unknown key of pairing": "pairing: {modes: single}",
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name, tmp_path):
    assert schema_errors(GOOD[name]) == []
    assert parser_error(GOOD[name], tmp_path) == ""


@pytest.mark.parametrize("name", BAD)
def test_bad(name, tmp_path):
    assert parser_error(BAD[name], tmp_path), "the parser takes it"
    # Nothing stands there or `~`: one and the same to the schema, which refuses both.
    assert schema_errors(BAD[name]), "the schema takes it"


CANNOT = {
    "unknown requirement": entry("services", SERVICE + ", requires: [y]"),
    "unknown context": "checks: {x: {override: replace, exec: {command: c, service-context: y}}}",
    "unknown service of a target": entry("log-targets", TARGET + ", services: [y]"),
    "unknown workload": entry("services", SERVICE + ", workload: w"),
    "a loop": "services: {x: {" + SERVICE + ", after: [y]}, y: {" + SERVICE + ", after: [x]}}",
    "an open quote": "services: {x: {override: replace, command: \"a 'b\"}}",
    "an unknown user": "checks: {x: {override: replace, exec: {command: c, user: nosuch-user}}}",
    "a merge into nothing": "services: {x: {override: merge, startup: enabled}}",
}
STRICTER = {
    "a startup word": entry("services", SERVICE + ", startup: on"),
    "a port": "checks: {x: {override: replace, tcp: {port: 99999}}}",
    "a negative duration": entry("services", SERVICE + ", kill-delay: -1s"),
    "a null section": "services: ~",
    "pairing as text": "pairing: single",
    "digits with a line between": entry("services", SERVICE + ", user-id: 1_000"),
    "a factor in hexadecimal": entry("services", SERVICE + ", backoff-factor: 0x2p1"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_the_schema_cannot_tell(name, tmp_path):
    assert any(re.search(pattern, parser_error(CANNOT[name], tmp_path)) for pattern, _ in SCHEMA_CANNOT)
    assert schema_errors(CANNOT[name]) == []


@pytest.mark.parametrize("name", STRICTER)
def test_where_the_schema_is_stricter(name, tmp_path):
    assert parser_error(STRICTER[name], tmp_path) == ""
    assert schema_errors(STRICTER[name])
    assert disagreement(STRICTER[name], tmp_path) == ""


def places(node, path=()):
    """The paths of all values in a tree."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def test_any_value_at_any_place(tmp_path):
    """Values of other kinds at each place of layers that have every key."""
    rnd = random.Random(20261129)
    values = ("null", "''", "0", "1", "-1", "1.5", "true", "x", "1s", "enabled", "[]", "[x]", "{}", "{x: y}")
    wrong = []
    for text in (text for name, text in GOOD.items() if name.startswith("everything") or name in ("exec", "tcp", "headers", "a workload", "pairing")):
        for path in places(yaml.load(text, Loader)):
            for value in values if FULL else rnd.sample(values, 3):
                layer = yaml.load(text, Loader)
                node = layer
                for key in path[:-1]:
                    node = node[key]
                node[path[-1]] = yaml.load(value, Loader)
                changed = yaml.dump(layer)
                if reason := disagreement(changed, tmp_path):
                    wrong.append(f"{reason}\n{changed}")
    assert not wrong, "\n".join(wrong[:5]) + f"\n{len(wrong)} in all"


def keys_of(schema, path=""):
    """Every key that a (part of the) schema names, as the parser's tool prints them."""
    schema = dict(SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]], **schema) if "$ref" in schema else schema
    for key, value in schema.get("properties", {}).items():
        yield path + key, value
        yield from keys_of(value, path + key + ".")
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        yield from keys_of(more, path + "*.")


@pytest.mark.skipif(not CHECKER.exists(), reason="layer_check is not built beside the binary")
def test_the_schema_has_the_parsers_keys_and_words():
    rows = subprocess.run([CHECKER, "--keys"], capture_output=True, check=True, text=True).stdout.splitlines()
    # `services: NAME:<TAB>command` is services.*.command
    parsers = {place.replace(" NAME:", " *:").replace(": ", ".").replace(":", ".") + key: text for place, key, text in (row.split("\t") for row in rows)}
    assert parsers == {key: help_text(value) for key, value in keys_of(SCHEMA)}


def help_text(value):
    """What the schema says of a key as the manual page says it: without marks, the default behind it."""
    default = f" Default: {value['default']}." if "default" in value else ""
    return value["description"].replace("`", "") + default


def test_the_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
