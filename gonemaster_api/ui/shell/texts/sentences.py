"""The sentence of a message tag for many domains."""

import re

from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_engine.findings.messages import best_locale, template

_DOMAIN = re.compile(r"\{domain(?:_child)?\}")
_OTHER_NAMES = frozenset({"ADDRESS", "SYNTAX"})  # modules whose argument `domain` is often the name of a host
_PLACEHOLDER = re.compile(r"\{\w+\}")
# Values that only one domain has: sentences and ends of sentences that list them, and values in parentheses or quotes.
_LISTED = re.compile(
    r"(?<=[.?])\s[^.:…]+:\s*…(?:[;,]\s*…)*\.|[:,]\s*(?:AS )?…(?:[;,:]\s*…)*(?=[.;]|$)|\s\([^()]*…[^()]*\)|\s[\"”]…[\"”]"
)
_REPEATED = re.compile(r"…(?:\s…)*\.$|…(?:\s…)+")
_SERVER = "…/…"


def tag_sentence(tag: str, module: str) -> str:
    """Return the text of a message tag for many domains: without lists of values, with an ellipsis for other values."""
    text = template(tag, module, locale=best_locale(language()))
    if module.upper() not in _OTHER_NAMES:
        text = _DOMAIN.sub(lambda found: _("the domain") if found.start() else _("The domain"), text)
    text = _REPEATED.sub("…", _LISTED.sub("", _PLACEHOLDER.sub("…", text)))
    text = text.replace(_("These name servers"), _("Some name servers"))
    if text.startswith(_SERVER):
        return _("A name server") + text.removeprefix(_SERVER)
    return text.replace(_SERVER, _("a name server"))
