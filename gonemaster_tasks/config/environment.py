"""Environment variables that look like settings but are not, so that typing errors are noticed."""

import logging
import os
from collections.abc import Mapping

from gonemaster_engine.spelling import nearest
from gonemaster_tasks.config.options import PREFIX
from gonemaster_tasks.config.rendering import to_environ
from gonemaster_tasks.config.settings import FILE_VARIABLE, OPTIONS, SOURCES_VARIABLE, Settings
from gonemaster_tasks.errors import SettingsError

log = logging.getLogger(__name__)

_KNOWN = frozenset({option.env for option in OPTIONS} | {PREFIX + "CONFIG", SOURCES_VARIABLE, FILE_VARIABLE})
# Prefixes of protective settings.
_PROTECTING = ("AUTH", "ADMIN_TOKEN", "MCP", "PUBLIC", "RATE_LIMIT", "PROTECT", "TRUSTED", "TLS")


def child_environ(settings: Settings) -> dict[str, str]:
    """Return the environment of a child process with these settings, independent of their sources."""
    environ = {name: value for name, value in os.environ.items() if name not in _KNOWN}
    return environ | to_environ(settings)


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Map each `GONEMASTER_*` variable that is not a setting to the most similar one, or to an empty string."""
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in _KNOWN)
    stems = {variable.removeprefix(PREFIX): variable for variable in _KNOWN}
    return {name: stems.get(nearest(name.removeprefix(PREFIX), stems), "") for name in unknown}


def refuse_unknown_protection(environ: Mapping[str, str] | None = None) -> None:
    """Refuse unknown variables about authentication and public access: their author expects protection.

    Raises:
        SettingsError: one sentence per variable, with the most similar setting if there is one.
    """
    unknown = unknown_variables(os.environ if environ is None else environ)
    found = tuple(
        f"{name}: no such setting, and it protects nothing{f'; is {similar} meant?' if similar else ''}"
        for name, similar in unknown.items()
        if name.removeprefix(PREFIX).upper().startswith(_PROTECTING)
    )
    if found:
        raise SettingsError(found)


def own_unknown_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the unknown variables of this process; children of `gonemaster-server` leave that to their parent."""
    environ = os.environ if environ is None else environ
    return {} if SOURCES_VARIABLE in environ else unknown_variables(environ)


def warn_of_unknown_variables(environ: Mapping[str, str] | None = None) -> None:
    """Log each unknown variable."""
    for name, similar in own_unknown_variables(environ).items():
        hint = {"similar": similar} if similar else {}
        log.warning("unknown setting in the environment, ignored", extra={"variable": name} | hint)
