"""A refusal is a translatable `Text`: a bare string would stay English on each page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gonemaster_api.errors import MISSING
from gonemaster_db.core import errors as store

ROOT = Path(__file__).parents[2]
REFUSING = re.compile(
    r"ApiError|BadRequest|Conflict|Unavailable|ValidationError|Invalid(?!RequestLine)\w+|SnapshotStateError|JobStateError"
    r"|TierMismatch|QueueMismatch|NothingToRerun|StatisticsPending|MaterialisationRunning|TargetRefused|DeliveryFailed"
    r"|Issue|Refusal"
)
NAMED = {"text", "message", "reason", "hint"}  # variables that are then used in refusals
PLACES = (
    "gonemaster_api/errors.py",
    "gonemaster_api/rest",
    "gonemaster_api/use_cases",
    "gonemaster_api/queries",
    "gonemaster_api/v1",
    "gonemaster_api/web",
    "gonemaster_tasks/config/overrides.py",
    "gonemaster_tasks/control",
    "gonemaster_tasks/notifications",
    "gonemaster_tasks/recurrence",
    "gonemaster_tasks/monitoring",
    "gonemaster_db",
    "gonemaster_engine/profile/callers.py",
    "gonemaster_engine/profile/documents.py",
    "gonemaster_engine/profile/schema.py",
    "gonemaster_engine/scoring/config.py",
)


def sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the bare strings of a file's refusals, with `{}` for each value."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if REFUSING.fullmatch(name):
                found = list(args)
            case ast.Call(func=ast.Attribute(attr="add"), args=[_, reason]):
                found = [reason]
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in NAMED:
                found = [value]
            case _:
                continue
        for each in found:
            for text in [each.body, each.orelse] if isinstance(each, ast.IfExp) else [each]:
                if re.search(r"[a-z]+ [a-z]+", sentence := _sentence(text)):
                    yield text.lineno, sentence


def _sentence(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
    return ""


def test_each_refusal_can_be_translated() -> None:
    files = [
        file for place in PLACES for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    assert len(files) > len(PLACES), "the folders have other names than this test looks for"
    bare = {
        f"{file.relative_to(ROOT)}:{line}": text
        for file in files
        for line, text in sentences(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert bare == {}, 'write Text("...", name=value), then `make messages`'


def test_what_may_be_missing_has_a_template() -> None:
    named = {}
    for file in (ROOT / "gonemaster_api").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case (
                    ast.Call(func=ast.Name(id="NotFound"), args=[ast.Constant(value=what), *_])
                    | ast.Call(func=ast.Attribute(attr="require"), args=[_, ast.Constant(value=what), *_])
                    | ast.Call(func=ast.Name(id="_find"), args=[_, _, ast.Constant(value=what), *_])
                ):
                    named[what] = file.name
    assert len(named) > 20
    classes: list[type[store.NotFound]] = [store.NotFound, *store.NotFound.__subclasses__()]
    rows = {each.__name__.removesuffix("NotFound").lower() or "row" for each in classes}
    assert set(MISSING) == {*named, *rows}


def test_the_search_finds_bare_sentences() -> None:
    bad = 'raise BadRequest("code", f"no such {thing} here")\ntext = "not so" if one else Text("fine and well")'
    assert [text for _, text in sentences(ast.parse(bad))] == ["not so", "no such {} here"]
