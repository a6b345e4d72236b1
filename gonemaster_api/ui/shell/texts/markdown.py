"""A result as Markdown, for a ticket: the verdict, and what to do about each root cause."""

import re
from collections.abc import Iterator

from gonemaster_api.ui.shell.causes import ShownCauses
from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_api.ui.shell.texts.languages import gettext as _

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")
_FENCE = re.compile("`{3,}")


def result_markdown(title: str, when: str, url: str, sentence: str, causes: ShownCauses) -> str:
    """Return the Markdown text; everything that comes from a zone is escaped."""
    return "\n".join(_lines(title, when, url, sentence, causes))


def _lines(title: str, when: str, url: str, sentence: str, causes: ShownCauses) -> Iterator[str]:
    yield from (f"# {_escaped(title)}", "", _escaped(sentence), "", f"{when}, <{url}>")
    for cause in causes.all:
        yield from ("", f"## {cause.number}. {_escaped(cause.title)}", "", _escaped(cause.consequence))
        yield from ("", f"**{_('What to do')}:** {_escaped(cause.remedy)}")
        for snippet in cause.snippets:
            text = clean(snippet.text)
            fence = max([*_FENCE.findall(text), "``"], key=len) + "`"
            yield from ("", fence, text, fence, "", _escaped(snippet.shows))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(clean(text).split()))
