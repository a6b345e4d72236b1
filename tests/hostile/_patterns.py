"""Finds all regular expressions of the packages, and derives the inputs that make a backtracking matcher slow."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import string
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

PACKAGES = ("gonemaster_engine", "gonemaster_db", "gonemaster_tasks", "gonemaster_api")
ROOT = Path(__file__).parents[2]
_USES = frozenset({"fullmatch", "match", "search", "sub", "subn", "split", "findall", "finditer"})
_USE = re.compile(rf"\b(\w+)\.({'|'.join(sorted(_USES))})\b")
_MANY = 100  # repetitions that count as unbounded
_PAIRED = 6  # characters of a repetition of which each pair is tried
_CHARACTERS = "".join(map(chr, range(128))) + "é٣\u2028"
_re: Any = re  # its parser and compiler have no types


class Found(NamedTuple):
    """A regular expression, the code that compiles it, and the methods that are called on it."""

    place: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]


@cache
def all_patterns() -> dict[str, Found]:
    """Return each regular expression that a module of the packages compiles or contains, by its location in the code.

    Another process imports the modules, because this process has imported its modules earlier.
    """
    command = [sys.executable, "-m", "tests.hostile._patterns"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found = {}
    for place, is_bytes, text, flags, uses in json.loads(done.stdout):
        pattern = text.encode("latin-1") if is_bytes else text
        found[place] = Found(place, re.compile(pattern, flags), frozenset(uses))
    return found


def _found_on_import() -> dict[str, Found]:
    compiled = _compiled_on_import()
    uses: dict[str, set[str]] = defaultdict(set)
    found = {}
    for module in _modules():  # a syntax tree of each would take seconds; a text that is no code only adds a use
        for name, method in _USE.findall(_source(module)):
            uses[name].add(method)
    for (module, line), patterns in compiled.items():
        name = _assigned_name(module, line)
        for number, pattern in enumerate(patterns):
            place = f"{module}:{line}" + (f"-{number}" if number else "")
            found[place] = Found(place, pattern, frozenset(uses.get(name, {"fullmatch", "match"})))
    for place, pattern, use in _in_functions():
        found[place] = Found(place, pattern, frozenset({use}))
    return found


def _modules(*, containing: str = "") -> Iterator[str]:
    """Yield the names of the modules of the packages whose source contains a text."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if containing in path.read_text("utf-8"):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _compiled_on_import() -> dict[tuple[str, int], list[re.Pattern[Any]]]:
    """Import all modules, and return what they compile, by module and line, themselves or as validators of fields."""
    found: dict[tuple[str, int], list[re.Pattern[Any]]] = defaultdict(list)
    compile_one = _re._compile

    def record(pattern: Any, flags: Any) -> Any:
        made = compile_one(pattern, flags)
        frame = sys._getframe(1)
        while _package_of(frame) in {"re", "marshmallow"} and frame.f_back:
            frame = frame.f_back
        if _package_of(frame) in PACKAGES:
            places = found[frame.f_globals["__name__"], frame.f_lineno]
            places += [made] if made not in places else []
        return made

    _re._compile = record  # re has no hook for compiled patterns
    try:
        for package in map(importlib.import_module, PACKAGES):
            for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if not each.name.endswith((".__main__", ".migrations.env")):  # these do their work on import
                    importlib.import_module(each.name)
    finally:
        _re._compile = compile_one
    return found


def _package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _source(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8")


@cache
def _module_tree(module: str) -> ast.Module:
    return ast.parse(_source(module))


def _assigned_name(module: str, line: int) -> str:
    """Return the name of the expression that is assigned at that line, or an empty string."""
    for node in ast.walk(_module_tree(module)):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and node.lineno <= line <= (node.end_lineno or 0)
        ):
            is_plain = ast.unparse(node.value.func) == "re.compile"
            return next((each.id for each in node.targets if is_plain and isinstance(each, ast.Name)), "")
    return ""


def _in_functions() -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """Yield the expressions that functions pass to the functions of `re`: constants, or names of the module."""
    for module in _modules(containing="re."):
        for node in ast.walk(_module_tree(module)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _USES):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re"):
                continue
            first = node.args[0]
            if isinstance(first, ast.Name):
                text = getattr(importlib.import_module(module), first.id)
            else:
                text = ast.literal_eval(first)
            yield f"{module}:{node.lineno}", re.compile(text), node.func.attr


def compiled_in_functions() -> set[str]:
    """Return the modules in which a function compiles an expression, which `all_patterns` therefore lacks."""
    found = set()
    for module in _modules(containing="re.compile"):
        for function in ast.walk(_module_tree(module)):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
                    found.add(module)
    return found


class Attack(NamedTuple):
    """A text in three parts, of which the second is repeated."""

    prefix: str
    pump: str
    suffix: str

    def text(self, characters: int) -> str:
        return self.prefix + self.pump * (characters // len(self.pump)) + self.suffix


def attacks(pattern: re.Pattern[Any]) -> set[Attack]:
    """Return texts that lead into each repetition of an expression, stay there for any given length, and then fail. A
    matcher is slow if two repetitions match the same text. The texts therefore repeat each character that the
    expression distinguishes, each pair of these characters, and the start that leads to a repetition.
    """
    tree = _re._parser.parse(
        pattern.pattern, pattern.flags & ~(re.UNICODE if isinstance(pattern.pattern, bytes) else 0)
    )
    reader = _Reader(tree, is_bytes=isinstance(pattern.pattern, bytes))
    found = set()
    whole = reader.sample(tree)
    for prefix, body in reader.loops(tree, ""):
        inside = [each for each in reader.characters if reader.occurs_in(body, each)] or reader.characters
        sample = reader.sample(body) or inside[0]
        pairs = [a + b for a in inside[:_PAIRED] for b in inside[:_PAIRED]]
        pumps = {*inside, sample, prefix + sample, whole, *pairs}
        for pump in pumps - {""}:
            for suffix in ("", reader.stranger, reader.stranger + whole):
                found.add(Attack(prefix, pump, suffix))
                found.add(Attack("", pump, suffix))
    return found


class _Reader:
    """Reads the tree of a parsed expression."""

    def __init__(self, tree: Any, *, is_bytes: bool) -> None:
        self._state = tree.state
        self._is_bytes = is_bytes
        self._leaves = [node for node in self._nodes(tree) if self._is_leaf(node)]
        alphabet = _CHARACTERS[:128] + "\xe9" if is_bytes else _CHARACTERS
        self._characters_of = {id(node): self._accepted(node, alphabet) for node in self._leaves}
        kinds: dict[tuple[bool, ...], str] = {}
        for character in sorted(alphabet, key=lambda each: each not in string.ascii_lowercase):
            kinds.setdefault(tuple(self._matches(node, character) for node in self._leaves), character)
        self.characters = list(kinds.values())
        self.stranger = kinds.get((False,) * len(self._leaves), "\0")

    @staticmethod
    def _is_leaf(node: Any) -> bool:
        return str(node[0]) in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}

    def _children(self, node: Any) -> list[Any]:
        kind, value = str(node[0]), node[1]
        if kind == "BRANCH":
            return list(value[1])
        if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            return [value[2]]
        if kind == "SUBPATTERN":
            return [value[3]]
        if kind == "ATOMIC_GROUP":
            return [value]
        return [value[1]] if kind in {"ASSERT", "ASSERT_NOT"} else []

    def _nodes(self, tree: Any) -> Iterator[Any]:
        for node in tree:
            yield node
            for child in self._children(node):
                yield from self._nodes(child)

    def _accepted(self, node: Any, alphabet: str) -> str:
        """Return the characters that a leaf accepts."""
        single = _re._compiler.compile(_re._parser.SubPattern(self._state, [node]), self._state.flags)
        return "".join(each for each in alphabet if single.match(each.encode("latin-1") if self._is_bytes else each))

    def _matches(self, node: Any, character: str) -> bool:
        return character in self._characters_of[id(node)]

    def occurs_in(self, tree: Any, character: str) -> bool:
        return any(self._matches(node, character) for node in self._nodes(tree) if self._is_leaf(node))

    def sample(self, tree: Any) -> str:
        """Return a short text that the tree matches, apart from its assertions."""
        return "".join(map(self._sample_of, tree))

    def _sample_of(self, node: Any) -> str:
        if self._is_leaf(node):
            return next((each for each in self.characters if self._matches(node, each)), "a")
        kind, value = str(node[0]), node[1]
        if kind.startswith("ASSERT"):
            return ""
        children = self._children(node)
        return self.sample(children[0]) * (value[0] if kind.endswith("REPEAT") else 1) if children else ""

    def loops(self, tree: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield each repetition without a small limit, with a text that leads to it."""
        for node in tree:
            if str(node[0]).endswith("REPEAT") and node[1][1] >= _MANY:
                yield prefix, node[1][2]
            for child in self._children(node):
                yield from self.loops(child, prefix)
            prefix += self._sample_of(node)


def _main() -> None:
    rows = []
    for place, pattern, uses in _found_on_import().values():
        is_bytes = isinstance(pattern.pattern, bytes)
        text = pattern.pattern.decode("latin-1") if is_bytes else pattern.pattern
        rows.append((place, is_bytes, text, pattern.flags & ~(0 if is_bytes else re.UNICODE), sorted(uses)))
    json.dump(rows, sys.stdout)


def work(pattern: re.Pattern[Any], uses: frozenset[str]) -> list[Callable[[Any], object]]:
    """Return functions that match a text in the ways in which the packages do."""
    scans = uses - {"fullmatch", "match"}
    whole: list[Callable[[Any], object]] = [getattr(pattern, use) for use in sorted(uses - scans)]
    return [*whole, lambda text: sum(1 for _ in pattern.finditer(text))] if scans else whole


if __name__ == "__main__":
    _main()
