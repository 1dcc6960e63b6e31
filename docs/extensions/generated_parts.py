"""Parts of reference pages that are made from what they describe: a line `<!-- generated: NAME -->` in a page is replaced before it is read.

- `layer-format`: tables of a layer's keys, from layers/layer.schema.json
- `api`: every operation and object, from docs/reference/openapi.yaml
- `commands`: every command's help, from the executable $COBBLE_BINARY
"""

import json
import os
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HIDDEN_COMMANDS = ("autostart", "enter")


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ").strip()


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(cell, row)) + " |" for row in rows]) + "\n"


def words(values):
    """An enumeration's words; that nothing at all may stand there goes without saying."""
    return ", ".join(f"`{v}`" for v in values if v not in ("", None))


# The layer format.

KINDS = {
    "text": "text",
    "note": "text",
    "list": "list of texts",
    "map": "map of texts",
    "integer": "number",
    "duration": "duration",
    "positive-duration": "duration above 0",
    "pairing": "map",
}


def layer_value(node, definitions):
    name = node.get("$ref", "").rpartition("/")[2]
    if name in KINDS:
        return KINDS[name]
    node = definitions.get(name, node)
    if "enum" in node:
        return words(node["enum"])
    if "additionalProperties" in node and "properties" not in node:
        value = layer_value(node["additionalProperties"], definitions) if node["additionalProperties"] else ""
        return f"map to {value}" if value.startswith("`") else "map of texts"
    kinds = [node["type"]] if isinstance(node.get("type"), str) else node.get("type", ["number"])
    return {"object": "map", "string": "text"}.get(kinds[0], "number")


def layer_rows(node, definitions, prefix=""):
    for key, value in node["properties"].items():
        text = value["description"]
        if "default" in value:
            text += f" Default: `{json.dumps(value['default']).strip(chr(34))}`."
        yield f"`{prefix}{key}`", layer_value(value, definitions), text
        if "properties" in value:
            yield from layer_rows(value, definitions, f"{prefix}{key}.")


def layer_format():
    schema = json.loads((ROOT / "layers/layer.schema.json").read_text())
    definitions = schema["definitions"]
    head = ("Key", "Value", "Meaning")
    out = ["## Sections of a layer\n", table(head, ((f"`{k}`", "map by name" if "additionalProperties" in v else layer_value(v, definitions), v["description"]) for k, v in schema["properties"].items()))]
    for section, name in (("services", "service"), ("checks", "check"), ("log-targets", "log-target"), ("workloads", "workload")):
        out += [f"## `{section}.NAME`\n", definitions[name]["description"] + "\n", table(head, layer_rows(definitions[name], definitions))]
    out += ["## `pairing`\n", table(head, layer_rows(definitions["pairing"], definitions))]
    return "\n".join(out)


# The API.


class Api:
    def __init__(self):
        self.spec = yaml.safe_load((ROOT / "docs/reference/openapi.yaml").read_text())

    def resolve(self, node):
        while "$ref" in node:
            place = self.spec
            for part in node["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            node = {**place, **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def kind(self, node):
        """A value's type in words; objects that have a name are linked."""
        name = node.get("$ref", "").rpartition("/")[2]
        node = self.resolve(node)
        if "const" in node:
            return words([node["const"]]) if isinstance(node["const"], str) else f"`{json.dumps(node['const'])}`"
        if "enum" in node:
            return words(node["enum"])
        if name and "properties" in node:
            return f"[{name}](#{name.lower()})"
        if "oneOf" in node:
            return " or ".join(self.kind(n) for n in node["oneOf"])
        kinds = node.get("type", "any")
        kind = " or ".join(k for k in ([kinds] if isinstance(kinds, str) else kinds) if k != "null") or "`null`"
        if kind == "array":
            return "list of " + self.kind(node["items"])
        if isinstance(node.get("additionalProperties"), dict):
            return "map of " + self.kind(node["additionalProperties"])
        return {"date-time": "time", "binary": "bytes"}.get(node.get("format"), kind)

    def fields(self, node, prefix=""):
        node = self.resolve(node)
        for key, value in node.get("properties", {}).items():
            whole = self.resolve(value)
            text = whole.get("description", "")
            if "default" in whole:
                text += f" Default: `{json.dumps(whole['default']).strip(chr(34))}`."
            if key in node.get("required", []) and not prefix.endswith("[]."):
                text = "Required. " + text if prefix == "" else text
            yield f"`{prefix}{key}`", self.kind(value), text
            if "$ref" in value:
                continue
            if "properties" in whole:
                yield from self.fields(whole, f"{prefix}{key}.")
            elif "properties" in whole.get("items", {}):
                yield from self.fields(whole["items"], f"{prefix}{key}[].")

    def result(self, schema):
        """What a response's schema says of `result`."""
        schema = self.resolve(schema)
        for part in schema.get("allOf", []):
            if "result" in part.get("properties", {}):
                return part["properties"]["result"]
        return None

    def response(self, status, node):
        node = self.resolve(node)
        text = node.get("description", "")
        extra = ""
        for kind, media in node.get("content", {}).items():
            if kind == "application/json":
                result = self.result(media["schema"])
                if result is not None and media["schema"].get("$ref") != "#/components/schemas/Error":
                    inner = self.resolve(result)
                    extra = "; ".join(f"{n}: {k}" for n, k, _ in self.fields(result)) if "$ref" not in result and "properties" in inner else self.kind(result)
            elif kind == "application/x-ndjson":
                extra = "lines of " + self.kind(media["x-item-schema"])
            else:
                extra = f"{kind}" + (f", or {extra}" if extra else "")
        return f"`{status}`", text, extra

    def operation(self, path, method, node):
        out = [f"### `{method.upper()} {path}`\n", f"{node['summary']}. Access: `{node['x-access']}`.\n", node.get("description", "")]
        parameters = [self.resolve(p) for p in self.spec["paths"][path].get("parameters", []) + node.get("parameters", [])]
        if parameters:
            rows = ((f"`{p['name']}`", p["in"], self.kind(p["schema"]), p.get("description", "")) for p in parameters)
            out.append(table(("Parameter", "In", "Value", "Meaning"), rows))
        for kind, media in node.get("requestBody", {}).get("content", {}).items():
            schema = self.resolve(media["schema"])
            for variant in schema.get("oneOf", [schema]):
                name = f", `{variant['title']}`" if "title" in variant else ""
                out += [f"Body (`{kind}`{name}):\n", table(("Field", "Value", "Meaning"), self.fields(variant))]
            if "example" in media:
                out.append(f"```json\n{json.dumps(media['example'])}\n```\n")
        out.append(table(("Status", "Meaning", "`result`"), (self.response(s, r) for s, r in node["responses"].items())))
        return "\n".join(out)

    def page(self):
        out = [self.spec["info"]["description"]]
        for tag in self.spec["tags"]:
            out.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}\n")
            for path, item in self.spec["paths"].items():
                for method in ("get", "post"):
                    if method in item and item[method]["tags"][0] == tag["name"]:
                        out.append(self.operation(path, method, item[method]))
        out.append("## Objects\n")
        for name, schema in self.spec["components"]["schemas"].items():
            if "properties" in schema:
                out += [f"### {name}\n", schema.get("description", ""), table(("Key", "Value", "Meaning"), self.fields(schema))]
            elif "enum" in schema:
                out += [f"### {name}\n", f"{words(schema['enum'])}. {schema.get('description', '')}\n"]
        return "\n".join(out)


# The commands.


def commands():
    binary = os.environ["COBBLE_BINARY"]
    ask = lambda *words: subprocess.run([binary, *words], capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: E731
    out = []
    for line in ask("help", "--all").splitlines():
        if group := re.fullmatch(r"  (\S.*?)(?: \((.*)\))?:", line):
            out.append(f"## {group[1]}\n")
        elif command := re.fullmatch(r"    (\S+) +(\S.*)", line):
            out.append(f"### `{command[1]}`\n\n{command[2]}.\n\n```text\n{ask('help', command[1])}```\n")
    out.append("## Not in the overview\n")
    out += [f"### `{name}`\n\n```text\n{ask('help', name)}```\n" for name in HIDDEN_COMMANDS]
    return "\n".join(out)


PARTS = {"layer-format": layer_format, "api": lambda: Api().page(), "commands": commands}


def fill_in(_app, _name, source):
    source[0] = re.sub(r"<!-- generated: ([a-z-]+) -->", lambda match: PARTS[match[1]](), source[0])


def setup(app):
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True}
