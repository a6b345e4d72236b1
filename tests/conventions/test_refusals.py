"""What a person can be refused with is known to the pages, which say it in their language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gonemaster_api.ui.shell.texts.refusal_texts import TEXTS

ROOT = Path(__file__).parents[2]
REFUSING = re.compile(
    r"ApiError|BadRequest|Conflict|Unavailable|ValidationError|Invalid(?!RequestLine)\w+|SnapshotStateError|JobStateError"
    r"|TierMismatch|QueueMismatch|NothingToRepeat|StatisticsPending|MaterialisationRunning|DeliveryFailed|IsolatedRunFailed|Issue"
)
NAMED = {"text", "message", "reason", "hint"}  # variables that are then refused with
PLACES = (
    "gonemaster_api/errors.py",
    "gonemaster_api/rest",
    "gonemaster_api/use_cases",
    "gonemaster_api/queries",
    "gonemaster_api/v1",
    "gonemaster_api/web",
    "gonemaster_tasks/control",
    "gonemaster_tasks/notifications",
    "gonemaster_tasks/recurrence",
    "gonemaster_tasks/monitoring",
    "gonemaster_tasks/worker/execute/isolation.py",
    "gonemaster_db",
    "gonemaster_engine/profile/schema.py",
    "gonemaster_engine/scoring/config.py",
)
# Put together from texts that are there, or seen by no person.
OTHERS = {
    "{}: {}",
    "{}; {}",
    "{} {}: {}",
    "key: {}",
    "url: {}",
    "email: {}",
    "{} not finished",
    "{} of {} names {} invalid; nothing was queued",
    "must be {}{} here, the value of the server, not {}",
    "{}{}: {}",
    "{} for {} s, though it is done each {} s",
    "{} not in the database any more: {}{}",
    "a transaction ({}; {}) has held locks {}{}",
    "{} and no worker consumes this tier",
    "{} no message in the broker",
    "{} not belong to a queued job",
    "pid {}",
    "no such {}: {}",
    "the {} {} already exists",
}
LITERAL = re.compile(r"\{\d\}")


def templates(file: Path) -> Iterator[str]:
    """Yield the sentences that a file refuses with, `{}` in the place of each value."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
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
                if " " in (sentence := _sentence(text)):
                    yield sentence


def _sentence(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
    return ""


def test_pages_know_all_refusals() -> None:
    known = {LITERAL.sub("{}", text) for text in TEXTS} | OTHERS
    files = [
        file for place in PLACES for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    found = {text: file for file in files for text in templates(file)}
    assert len(found) > 150, "the sentences are written in another way than this test looks for"
    unknown = {text: str(file.relative_to(ROOT)) for text, file in found.items() if text not in known}
    assert unknown == {}, "add them to gonemaster_api/ui/shell/texts/refusal_texts.py, then `make messages`"


def test_texts_are_there_once_and_number_their_values() -> None:
    assert len(set(TEXTS)) == len(TEXTS)
    for text in TEXTS:
        numbers = [int(found[1]) for found in LITERAL.findall(text)]
        assert numbers == list(range(1, len(numbers) + 1)), text
