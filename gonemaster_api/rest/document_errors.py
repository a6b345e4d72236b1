"""Refusals of documents that people write: all errors at once."""

from gonemaster_api.errors import BadRequest
from gonemaster_engine.errors import DocumentError
from gonemaster_engine.texts import Text

_REPORTED = 100
_LONGEST = 500


def refusal(code: str, error: DocumentError) -> BadRequest:
    """Return the refusal of an invalid document; `details.problems` lists up to 100 of {path, reason}."""
    problems = [{"path": path[:_LONGEST], "reason": reason[:_LONGEST]} for path, reason in error.problems[:_REPORTED]]
    first, count = problems[0], len(error.problems)
    text = Text("{first}: {first2}", first=first["path"], first2=first["reason"]) if first["path"] else first["reason"]
    more = f" (and {count - 1} more)" if count > 1 else ""
    details = {"path": first["path"], "problems": problems, "problem_count": count}
    return BadRequest(code, text + more, details=details)
