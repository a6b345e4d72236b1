"""One-time notes after an action. The URL has only a code, so that it cannot be used to show arbitrary text.

A package registers its notes when it is imported: `register_notes({"held": Note(mark("Job on hold."))})`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, redirect, request

from gonemaster_api.ui.shell.texts.languages import gettext, ngettext

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,80}")
_MAX_NUMBER_LENGTH = 10


@dataclass(frozen=True)
class Note:
    """A text, its plural (with `%(num)s`), its level, and the endpoint of the POST that undoes the action.

    The undo form sends `fields`, and the query parameter `of` (an ID or a word) as `of`.
    """

    text: str
    plural: str = ""
    level: str = "ok"
    undo: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TranslatedNote:
    """A note in the language of the request."""

    text: str
    level: str
    undo: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


_NOTES: dict[str, Note] = {}


def register_notes(notes: Mapping[str, Note]) -> None:
    """Add notes by code."""
    _NOTES.update(notes)


def current_note() -> TranslatedNote | None:
    """Return the note in the URL of this page, None if its code is unknown."""
    known = _NOTES.get(request.args.get("note", ""))
    if known is None:
        return None
    key = request.args.get("of", "")
    fields = {**known.fields, "of": key} if _KEY.fullmatch(key) else {}
    text = ngettext(known.text, known.plural, _number()) if known.plural else gettext(known.text)
    return TranslatedNote(text, known.level, known.undo if fields else "", fields)


def _number() -> int:
    text = request.args.get("n", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_LENGTH else 0


def see_other(path: str, note: str = "", *, n: int | None = None, of: str = "") -> Response:
    """Redirect a POST (303) to a page with a note. `n` is a number in the note, `of` the ID for its undo."""
    given: dict[str, Any] = {"note": note, "n": n, "of": of}
    parts = urlsplit(path)
    # The page may already show a note, and its forms return to its full URL.
    remaining = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in given]
    query = urlencode([*remaining, *((name, value) for name, value in given.items() if value not in ("", None))])
    target = urlunsplit(("", "", parts.path, query, parts.fragment))
    response: Response = redirect(target, code=HTTPStatus.SEE_OTHER, Response=Response)  # type: ignore[assignment]
    return response
