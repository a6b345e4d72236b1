"""Phrases that a native engineer would rewrite, and where they occur: `python -m tests.support.english [PATH ...]`.

The list grows with each review. A phrase that is right in one file has an entry in `ALLOWED`.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BANNED = {
    r"anew": "again, or: rebuild",
    r"as a rule": "usually",
    r"by turns": "in turn",
    r"at no time": "never",
    r"whoever|whatever|whichever|wherever": "the noun",
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
    r"ill (zones?|servers?|tlds?)": "malformed, unhealthy",
    r"by itself": "automatically",
    r"of its own|of their own|of our own": "own, separate",
    r"beside": "next to, besides, together with",
    r"stands? (in|at|for|beside|there|on)": "is",
    r"in the place of": "instead of",
    r"signs? of life": "heartbeat",
    r"in earnest": "in production",
    r"none at all": "the noun",
    r"for so many": "for this number of",
    r"again and again|over and over|for ever|at last|for good": "each time, until, finally",
    r"what (waits|stays|came|comes|goes|remains|differs) ": "the noun",
}
"""Patterns of whole words, in lower case, and their replacements."""

ALLOWED: dict[str, tuple[str, ...]] = {}
"""For a file, phrases that are right there."""

_PATTERN = re.compile(rf"\b({'|'.join(BANNED)})\b")  # of lower-case texts, which are searched much faster


def _python_texts(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name.strip("_").replace("_", " ")
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for statement in body:
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                for number, line in enumerate(statement.value.value.splitlines()):
                    yield statement.lineno + number, line
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are English; the few sources that contain a phrase anywhere are parsed."""
    source = path.read_text()
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
    elif _PATTERN.search(source.replace("_", " ").lower()):
        yield from _python_texts(source)


def hits(*paths: str) -> Iterator[str]:
    """Yield `file:line: phrase (say: ...)` for each banned phrase in the tracked files below the paths, or in all."""
    names = subprocess.run(
        ["git", "ls-files", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in names:
        path = ROOT / name
        if path.suffix not in (".py", ".md", ".pot", ".html") or not path.is_file() or path == Path(__file__):
            continue
        for number, line in _lines(path):
            for match in _PATTERN.finditer(line.lower()):
                if match[0] not in ALLOWED.get(name, ()):
                    yield f"{name}:{number}: {match[0]} (say: {_advice(match[0])})"


def _advice(phrase: str) -> str:
    return next(advice for pattern, advice in BANNED.items() if re.fullmatch(pattern, phrase))


if __name__ == "__main__":
    print(*hits(*sys.argv[1:]), sep="\n")
