"""From YAML to rules: documents with the line of each rule, and pydantic's findings as one helpful line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from riskwave.errors import RiskwaveError
from riskwave.rules.pack import Case, Channel, Rule, Ruleset, Threshold, make_ruleset

_DOCUMENT = ("rules", "channels")


class _Loader(yaml.CSafeLoader):
    """Plain YAML that refuses a key given twice, where PyYAML would keep the last."""


class _SlowLoader(yaml.SafeLoader):
    """The same in Python, ten times slower, which says what is wrong with a text in better words."""


def _mapping(loader: _Loader | _SlowLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool):
            raise RiskwaveError(f"line {key_node.start_mark.line + 1}: a key must be a name; found {key}")
        if key in seen:
            raise RiskwaveError(f"line {key_node.start_mark.line + 1}: {key} is given twice; keep one")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


for _each in (_Loader, _SlowLoader):
    _each.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_files(path: Path) -> Ruleset:
    """The ruleset of a file, or of the .yml files of a folder, by name."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".yml", ".yaml"))
        if not files:
            raise RiskwaveError(f"{path}: no .yml file there; name a rule file or a folder of them")
    else:
        files = [path]
    texts = []
    for file in files:
        try:
            texts.append((_shown(file), file.read_text(encoding="utf-8")))
        except OSError as fault:
            raise RiskwaveError(f"{file}: cannot read the rules: {fault.strerror}; name a file or folder") from fault
        except UnicodeDecodeError as fault:
            raise RiskwaveError(f"{file}: not UTF-8 at byte {fault.start}; save it as UTF-8") from fault
    return _assembled(path.resolve().stem, texts)


def read_text(text: str, name: str) -> Ruleset:
    """The ruleset of one text."""
    return _assembled(name, [(name, text)])


def _shown(file: Path) -> str:
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _assembled(name: str, texts: Iterable[tuple[str, str]]) -> Ruleset:
    rules: list[Rule] = []
    channels: list[Channel] = []
    read = []
    for file, text in texts:
        read.append(file)
        for kind, told, where in _items(file, text):
            if kind == "rules":
                rules.append(_rule(told, where))
            else:
                channels.append(_channel(told, where))
    _distinct([(rule.rule, rule.where) for rule in rules], "rule")
    _distinct([(channel.channel, channel.where) for channel in channels], "channel")
    if not rules:
        raise RiskwaveError(f"{', '.join(read)}: no rules; write at least one `- rule: …`")
    return make_ruleset(name, rules, channels)


def _items(file: str, text: str) -> list[tuple[str, Any, str]]:
    """(rules or channels, what is written, file:line) for each item of the documents."""
    try:
        return list(_read(file, text, _Loader))
    except RiskwaveError:
        return list(_read(file, text, _SlowLoader))


def _read(file: str, text: str, kind_of_loader: type[_Loader | _SlowLoader]) -> Iterator[tuple[str, Any, str]]:
    try:
        loader = kind_of_loader(text)  # looks at the characters already
    except yaml.YAMLError as fault:
        raise RiskwaveError(f"{file}: not YAML: {' '.join(str(fault).split())}") from fault
    try:
        while loader.check_node():
            document = loader.get_node()
            if document is None or (isinstance(document, yaml.ScalarNode) and not document.value):
                continue
            for kind, node in _sections(file, document):
                where = f"{file}:{node.start_mark.line + 1}"
                if not isinstance(node, yaml.MappingNode):
                    raise RiskwaveError(f"{where}: expected `- {kind[:-1]}: name` with its fields; found {_said(node)}")
                yield kind, loader.construct_document(node), where
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        tab = "\\t" in str(fault.problem)
        todo = "indent with spaces" if tab else "put texts with : or # in quotes"
        raise RiskwaveError(f"{file}:{line}: not YAML: {fault.problem}; {todo}") from fault
    except yaml.YAMLError as fault:
        raise RiskwaveError(f"{file}: not YAML: {' '.join(str(fault).split())}") from fault
    except (RiskwaveError, ValueError) as fault:
        said = str(fault)
        if said.startswith("line "):
            number, _, rest = said.removeprefix("line ").partition(": ")
            said = f"{file}:{number}: {rest}"
        elif not isinstance(fault, RiskwaveError):
            said = f"{file}: {said}; correct the value or put it in quotes"
        raise RiskwaveError(said) from fault
    finally:
        loader.dispose()


def _sections(file: str, document: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(document, yaml.SequenceNode):
        yield from (("rules", node) for node in document.value)
        return
    if not isinstance(document, yaml.MappingNode):
        raise RiskwaveError(f"{file}:{document.start_mark.line + 1}: expected a list of rules; found {_said(document)}")
    for key, node in document.value:
        where = f"{file}:{key.start_mark.line + 1}"
        if key.value not in _DOCUMENT:
            fix = "write rules as a list, `- rule: …`" if key.value == "rule" else nearest(key.value, _DOCUMENT)
            raise RiskwaveError(f"{where}: {key.value}: no such section; {fix or 'expected rules or channels'}")
        if not isinstance(node, yaml.SequenceNode):
            raise RiskwaveError(f"{where}: {key.value}: expected a list; found {_said(node)}")
        yield from ((key.value, item) for item in node.value)


def _said(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value[:40]) if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _rule(told: dict[str, Any], where: str) -> Rule:
    try:
        return Rule.model_validate({**told, "where": where})
    except ValidationError as fault:
        raise RiskwaveError(_line(fault, where, "rule", told)) from fault


def _channel(told: dict[str, Any], where: str) -> Channel:
    try:
        return Channel.model_validate({**told, "where": where})
    except ValidationError as fault:
        raise RiskwaveError(_line(fault, where, "channel", told)) from fault


def _distinct(named: list[tuple[str, str]], what: str) -> None:
    seen: dict[str, str] = {}
    for name, where in named:
        if name in seen:
            raise RiskwaveError(f"{where}: {what} {name}: is already at {seen[name]}; rename or remove one")
        seen[name] = where


def nearest(name: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """`did you mean …?` for the nearest known name, or nothing; alike: from 0 to 1, how near it must be."""
    close = difflib.get_close_matches(str(name).lower(), list(known), n=1, cutoff=alike)
    return f"did you mean {close[0]}?" if close else ""


_MODELS: dict[str, type[BaseModel]] = {"thresholds": Threshold, "cases": Case}


def _line(fault: ValidationError, where: str, what: str, told: dict[str, Any]) -> str:
    """The first finding as `file:line: rule NAME: field: what is wrong; what to do`."""
    errors = fault.errors(include_url=False)
    # A mistyped field is also a missing one: what was written says more.
    error = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    # Members of a union are named in the path: `value.int`, of no help to who wrote the file.
    path = [str(part) for part in error["loc"] if not str(part).startswith(("constrained-", "function-"))]
    while len(path) > 1 and path[-1] in ("bool", "int", "float", "str", "datetime"):
        path.pop()
    name = told.get(what)
    head = f"{where}: {what} {name}: {'.'.join(path)}" if isinstance(name, str) else f"{where}: {'.'.join(path)}"
    return f"{head}: {_finding(error, path, Rule if what == 'rule' else Channel)}"


_EXPECTED = {
    "string_type": "text, in quotes",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "int_type": "a single value",
    "float_type": "a single value",
    "bool_type": "a single value",
}


def _finding(error: ErrorDetails, path: list[str], model: type[BaseModel]) -> str:
    """What is wrong with the value, and what to do."""
    kind, found = error["type"], _short(error.get("input"))
    said = f"{found}: {error['msg'][0].lower()}{error['msg'][1:]}"
    if kind == "missing":
        said = "is missing; write it"
    elif kind == "extra_forbidden":
        if len(path) > 1:
            model = _MODELS.get(path[0], model)
        known = [key for key in model.model_fields if key != "where"]
        said = f"no such field; {nearest(path[-1], known) or 'expected one of ' + ', '.join(known)}"
    elif kind == "literal_error":
        known = [part.strip().strip("'") for part in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        said = f"{found} is none of {', '.join(known)}; {nearest(str(error['input']), known) or 'choose one'}"
    elif kind == "string_pattern_mismatch":
        said = f"{found} is no name; use lower-case letters, digits and single underscores, as card_velocity"
    elif kind == "string_too_long":
        most, long = error["ctx"]["max_length"], len(error["input"])
        said = f"is {long} characters long, at most {most}; shorten it, or split the rule into several"
    elif kind in _EXPECTED:
        said = f"{found}: expected {_EXPECTED[kind]}"
    return said


def _short(value: Any) -> str:
    said = str(value).lower() if isinstance(value, bool) or value is None else repr(value)
    said = said.replace("none", "nothing") if value is None else said
    return said if len(said) <= 60 else said[:57] + "…"
