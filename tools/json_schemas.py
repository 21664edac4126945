"""JSON schemas of the entries file and of a stack file's ``aep:`` keys, from the argument table and the settings.

Editors read them (`# yaml-language-server: $schema=…`), and a test compares the files of the package with these.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from aep_provider import arguments, settings
from aep_provider.cli.stacks import NONE, WAVE, WAVES
from aep_provider.program.declare import _OPTIONS
from aep_provider.validators import DATASET_ID

FOLDER = Path(__file__).resolve().parent.parent / "aep_provider/schemas"
DRAFT = "http://json-schema.org/draft-07/schema#"
NAMES = {"type": ["string", "array"], "items": {"type": "string"}}
OPTIONS: dict[str, dict[str, Any]] = {
    "renamed_from": {
        **NAMES,
        "description": "the old logical name, or several: the dataset keeps its resource.",
    },
    "aliases": {**NAMES, "description": "the same; also URNs."},
    "protect": {"type": "boolean", "description": "Pulumi's option."},
}
TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "map of list of str": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
}
NARROWER: dict[str, dict[str, Any]] = {
    "dataset_id": {"pattern": f"^{DATASET_ID.pattern}$"},
    "wait_timeout": {"minimum": 0, "maximum": 86_400},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "allow_production": {"enum": [True, False, "true", "false"]},
    "ownership_tag": {"enum": [True, False, "true", "false"]},
    "parallel": {"type": ["integer", "string"], "minimum": 1, "maximum": 64, "pattern": "^[0-9]+$"},
}
"""Those that are more than text; `pulumi config set` writes them as text."""


def argument(one: arguments.Argument) -> dict[str, Any]:
    """The schema of one argument."""
    words = re.findall(r"`(\w+)`", one.type)
    kind = {"enum": words} if words else TYPES[one.type]
    given = {} if one.default is None else {"default": one.default}
    text = one.description.replace("`", "")
    return {**kind, **NARROWER.get(one.name, {}), "description": text, **given}


def entry(*, override: bool = False) -> dict[str, Any]:
    """The schema of an entry; in an override a key may be without a value, which takes the shared one away."""
    assert OPTIONS.keys() == set(_OPTIONS)
    fields = {
        "resource": {
            "type": "string",
            "minLength": 1,
            "description": "the logical name, unique in the stack.",
        },
        **{one.name: argument(one) for one in arguments.ARGUMENTS},
        **OPTIONS,
    }
    if override:
        fields = {
            key: one if key == "resource" else {"anyOf": [one, {"type": "null"}]}
            for key, one in fields.items()
        }
    return {
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
        "anyOf": [{"required": ["resource"]}]
        if override
        else [{"required": ["resource"]}, {"required": ["name"]}],
    }


def datasets() -> dict[str, Any]:
    """The schema of a file that `aep:datasets` names."""
    return {
        "$schema": DRAFT,
        "title": "Datasets of aep_provider, for several stacks",
        "type": ["array", "null"],
        "items": entry(),
    }


def stack() -> dict[str, Any]:
    """The schema of a stack file: its ``aep:`` keys, and whatever else Pulumi takes."""
    secret = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}
    said = inspect.getdoc(settings.Settings) or ""
    keys: dict[str, Any] = {}
    for name, source in settings._FIELDS.items():
        if source.config:
            kind = SETTINGS.get(name, {"type": "string"})
            keys[f"aep:{source.config}"] = {"anyOf": [kind, secret], "description": _said(said, name)}
    keys[WAVE] = {
        "enum": [*WAVES, NONE],
        "description": "when a fleet runs this stack; none: `aep-provider matrix` does not list it.",
    }
    lists = {"type": "array", "items": entry()}
    path = {"type": "string", "pattern": r"\.ya?ml$", "description": "a YAML file, relative to the project."}
    keys["aep:datasets"] = {
        "anyOf": [lists, path],
        "description": "the datasets of the stack, or the path of a file with those of several stacks.",
    }
    keys["aep:overrides"] = {
        "type": "array",
        "items": entry(override=True),
        "description": "what this stack says otherwise, key by key, and what it adds, by `resource`.",
    }
    return {
        "$schema": DRAFT,
        "title": "Stack file of a project with aep_provider",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "patternProperties": {"^(?!aep:)": {}},
                "additionalProperties": False,
            }
        },
    }


def written() -> dict[str, str]:
    """What the files of the package hold, by name."""
    made = {"datasets.schema.json": datasets(), "stack.schema.json": stack()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()}


def _said(docstring: str, name: str) -> str:
    """What a docstring's section says of a name; several may stand before one colon."""
    for names, text in re.findall(r"^    ([\w, ]+): (.*(?:\n {8}.*)*)", docstring, re.MULTILINE):
        if name in names.split(", "):
            return re.sub(r"\s+", " ", text).replace("`", "")
    raise AssertionError(f"Settings says nothing of {name}")
