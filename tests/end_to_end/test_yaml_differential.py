"""Layers are read as PyYAML (on libyaml) reads them: on thousands of damaged layers, what it refuses isn't accepted, and what both accept
is the same tree. What differs on purpose is named in this file."""

import os
import pathlib
import random
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("COBBLE_BINARY", ROOT / "build/dev/pebble"))
CHECKER = BINARY.parent / "layer_check"
COUNT = 20_000 if os.environ.get("COBBLE_FULL") == "1" else 4_000

SEEDS = (
    """services:
  web: &base
    override: replace
    summary: A "web" server
    command: /bin/sh -c 'exec server --port 80' [ --verbose ]
    startup: enabled
    after: [db, cache]
    requires:
      - db
    environment:
      PATH: /usr/bin:/bin
      EMPTY: ""
      QUOTED: 'it''s'
      TAB: "a\\tb \\u00e9"
    on-check-failure: {up: restart, "down": ignore}
    backoff-delay: 1.5s
  other:
    <<: *base
    command: other # a comment
""",
    """summary: text
description: |
  Two
  lines.

checks:
  up:
    override: merge
    level: alive
    period: 10s
    http: {url: "http://localhost:8080/", headers: {A: b}}
  exec:
    override: replace
    exec:
      command: >-
        folded words
        over lines
      user-id: 1000
log-targets:
    loki:
        override: replace
        type: loki
        location: http://loki:3100/api
        services: [all, -web]
        labels:
            env: $ENV
""",
    '{"services": {"a": {"override": "replace", "command": "x \\"y\\"", "after": ["b", "c"], "environment": {}}}, "checks": null}\n',
    """%YAML 1.1
---
services:
  ? a
  : !mine
    override: !!str replace
    command: &c "multi
      line"
    user-id: !!int "5"
    working-dir: *c
  b:
    description: |2-
        kept
      less
    after:
    - one
    -   two
    - - nested
      - list
    - key: value
      other: ~
...
ignored: [
""",
)
# What PyYAML or libyaml refuses and we accept on purpose: the beginning of its problem, what the text must hold, and why.
LENIENT = (
    ("found duplicate anchor", "&", "libyaml and YAML allow an anchor to be given again; only PyYAML doesn't"),
    ("while scanning a tag", "!", "a tag that runs into a character that no tag may have; unknown tags are ignored anyway"),
    ("while scanning for the next token\nfound character that cannot start any token", "\t", "tabs separate tokens, as in JSON"),
    ("while parsing a tag", "!", "likewise"),
    ("found undefined tag handle", "!", "likewise: unknown tags are ignored"),
    ("found unexpected ':'", ":", "in flow style the value may be left out right behind the colon, as in YAML 1.2"),
    ("found unknown escape character", "\\/", "JSON's escaped slash"),
    ("found unknown escape character", "\\'", "yaml-cpp takes an escaped single quote for one"),
    ("found a tab character that violates indentation", "\t", "a tab in a scalar that goes on over lines is a blank"),
    ("while scanning a block scalar", "\t", "a tab after the indentation of a block scalar is text"),
)
ALPHABET = "\n\n\n  \t::--,,[]{}#&*!|>'\"%@`?~<=.\\/ab01é_"


def mutate(rnd, text):
    """A few small damages, as a slip of the hand, a cut or a bad merge makes them."""
    for _ in range(rnd.randint(1, 4)):
        at = rnd.randrange(len(text) + 1)
        kind = rnd.randrange(9)
        lines = text.split("\n")
        line = rnd.randrange(len(lines))
        if kind == 0:
            text = text[:at] + text[at + rnd.randint(1, 4) :]
        elif kind in (1, 2):
            text = text[:at] + "".join(rnd.choices(ALPHABET, k=rnd.randint(1, 3))) + text[at:]
        elif kind == 3:
            text = text[:at] + rnd.choice(ALPHABET) + text[at + 1 :]
        elif kind == 4:
            text = text[:at]
        elif kind == 5:
            lines[line] = " " * rnd.randint(0, 8) + lines[line].lstrip(" ")
            text = "\n".join(lines)
        elif kind == 6:
            del lines[line]
            text = "\n".join(lines)
        elif kind == 7:
            lines.insert(rnd.randrange(len(lines) + 1), lines[line])
            text = "\n".join(lines)
        else:
            other = rnd.choice(SEEDS)
            text = text[:at] + other[rnd.randrange(len(other)) :]
    return text


def quoted(text):
    """As layers/quote.h does for what occurs here."""
    out = []
    for c in text:
        escape = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v"}.get(c)
        code = ord(c)
        if escape:
            out.append(escape)
        elif code < 0x20 or code == 0x7F:
            out.append(f"\\x{code:02x}")
        elif 0x80 <= code <= 0xA0 or code == 0xAD or 0x2000 <= code <= 0x200F or 0x2028 <= code <= 0x202F:
            out.append(f"\\u{code:04x}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def form(node, inside=()):
    """The normal form that layer_check prints; ValueError for a node that contains itself."""
    if node is None:
        return "~"
    if id(node) in inside:
        raise ValueError("contains itself")
    inside = (*inside, id(node))
    if isinstance(node, yaml.SequenceNode):
        return "[" + "".join(form(i, inside) + "," for i in node.value) + "]"
    if isinstance(node, yaml.MappingNode):
        return "{" + "".join(f"{form(k, inside)}:{form(v, inside)}," for k, v in node.value) + "}"
    plain = not node.style and node.tag == "tag:yaml.org,2002:null"
    return "~" if plain and node.value in ("", "~", "null", "Null", "NULL") else quoted(node.value)


def pyyaml(text):
    """(form, None) of the first document, or (None, problem)."""
    loader = yaml.CLoader(text.encode())
    try:
        return form(loader.get_node() if loader.check_node() else None), None
    except (yaml.YAMLError, ValueError) as error:
        return None, "\n".join(l for l in str(error).split("\n") if not l.startswith("  in "))
    finally:
        loader.dispose()


def ours(texts):
    data = b"".join(b"%d\n%s" % (len(t.encode()), t.encode()) for t in texts)
    out = subprocess.run([CHECKER], input=data, capture_output=True, check=True, timeout=300).stdout.decode()
    return out.split("\n")[:-1]


@pytest.mark.skipif(not CHECKER.exists(), reason="layer_check is not built beside the binary")
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML without libyaml reads otherwise")
def test_damaged_layers_are_read_as_pyyaml_reads_them():
    rnd = random.Random(20261123)
    texts = list(SEEDS) + [mutate(rnd, rnd.choice(SEEDS)) for _ in range(COUNT)]
    accepted = 0
    wrong = []
    for text, answer in zip(texts, ours(texts), strict=True):
        expected, problem = pyyaml(text)
        verdict, _, mine = answer.partition(" ")
        accepted += verdict == "accept"
        if verdict == "refuse":
            continue
        if expected is None and any(lenient in problem and mark in text for lenient, mark, _ in LENIENT):
            continue
        if expected is None:
            wrong.append(("accepted, though " + problem, text, mine))
        elif expected != mine:
            wrong.append(("another tree: " + expected, text, mine))
    assert accepted > len(SEEDS) + COUNT // 20, "the checker refuses nearly everything"
    assert not wrong, "\n\n".join("\n".join(w) for w in wrong[:5]) + f"\n\n{len(wrong)} in all"
