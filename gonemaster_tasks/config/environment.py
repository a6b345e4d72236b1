"""Variables of the environment that look like settings and are none: a typing error must not pass in silence."""

import difflib
import logging
import os
from collections.abc import Mapping

from gonemaster_tasks.config.settings import INHERITED, OPTIONS, PREFIX

log = logging.getLogger(__name__)

_KNOWN = frozenset({option.env for option in OPTIONS} | {PREFIX + "CONFIG", INHERITED})
_ALIKE = 0.75


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Map each `GONEMASTER_*` variable that is no setting to the one that may be meant, empty if none is like it."""
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in _KNOWN)
    return {name: _nearest(name) for name in unknown}


def _nearest(name: str) -> str:
    names = {known.removeprefix(PREFIX): known for known in _KNOWN}
    found = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), names, n=1, cutoff=_ALIKE)
    return names[found[0]] if found else ""


def warn_of_unknown_variables(environ: Mapping[str, str] | None = None) -> None:
    """Log what is unknown; children of `gonemaster-server` leave it to their parent."""
    environ = os.environ if environ is None else environ
    if INHERITED in environ:
        return
    for name, meant in unknown_variables(environ).items():
        log.warning("this variable is no setting, it is ignored", extra={"variable": name} | _hint(meant))


def _hint(meant: str) -> dict[str, str]:
    return {"perhaps_meant": meant} if meant else {}
