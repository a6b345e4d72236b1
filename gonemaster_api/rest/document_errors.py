"""Error responses for invalid documents written by users; each response lists all problems."""

from gonemaster_api.errors import BadRequest
from gonemaster_engine.errors import DocumentError
from gonemaster_engine.texts import Text, joined

_REPORTED = 100
_MAX_LENGTH = 500


def refusal(code: str, error: DocumentError) -> BadRequest:
    """Return the error for an invalid document; `details.problems` lists up to 100 entries of {path, reason}."""
    problems = [
        {"path": path[:_MAX_LENGTH], "reason": reason if len(reason) <= _MAX_LENGTH else reason[:_MAX_LENGTH]}
        for path, reason in error.problems[:_REPORTED]
    ]
    (path, reason), count = error.problems[0], len(error.problems)
    text = reason if len(reason) <= _MAX_LENGTH else reason[:_MAX_LENGTH]
    if path:
        text = joined(": ", (path[:_MAX_LENGTH], text))
    if count > 1:
        text = Text("{text} (and {more} more)", text=text, more=count - 1)
    details = {"path": problems[0]["path"], "problems": problems, "problem_count": count}
    return BadRequest(code, text, details=details)
