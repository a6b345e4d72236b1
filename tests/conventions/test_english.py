"""Texts, docstrings, comments and documents avoid phrases that a native engineer would rewrite.

The list grows with each review. A phrase that is right in one place has an entry in `ALLOWED`.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gonemaster_engine", "gonemaster_db", "gonemaster_tasks", "gonemaster_api")
BANNED = {
    r"anew": "again, or: rebuild",
    r"as a rule": "usually",
    r"by turns": "in turn",
    r"at no time": "never",
    r"whoever|whatever|whichever|wherever": "the noun",
    r"who(?= (may|can|has|wants|waits|reads|writes|looks|watches|sees|asks|comes|takes|knows|needs) )(?<!those who)(?<!clients who)": "the noun",
    r"(is|are|was|were|be|been|being) told": "notified, reported",
    r"tells? (of|that|what|who|whether|how|why|the)": "reports, says",
    r"mend(s|ed|ing)?": "fix, repair",
    r"(is|are|was|were) away": "unavailable",
    r"gives? way": "yields",
    r"stand(s|ing)? still": "stalled",
    r"come(s)? to (its|their|an|the) end": "finishes",
    r"(is|are|was|were) there (again|twice)": "duplicate",
    r"looked (at|into|up to)|looks? at": "check, inspect, read",
    r"found out|finds? out": "determine",
    r"made anew": "rebuild",
    r"nobody|somebody|everybody|anybody": "the noun",
    r"dut(y|ies)": "maintenance task",
    r"octets?": "bytes",
    r"ill (zones?|servers?|TLDs?)": "malformed, unhealthy",
    r"by itself": "automatically",
    r"of its own|of their own|of our own": "own, separate",
    r"beside": "next to, besides, together with",
    r"stands? (in|at|for|beside|there|on)": "is",
    r"in the place of": "instead of",
    r"what (is|was|are|were|has|have|comes|came|goes|happens|stays|differs|waits|remains)": "the noun",
}
"""Patterns of whole words, and what to say instead."""

ALLOWED: dict[str, tuple[str, ...]] = {}
"""For a file, phrases that are right there."""


def _python_texts(path: Path) -> Iterator[tuple[int, str]]:
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str):
                for number, line in enumerate(statement.value.value.splitlines()):
                    yield statement.lineno + number, line
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        yield from _python_texts(path)
    else:
        yield from enumerate(path.read_text().splitlines(), 1)


def _files() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]
