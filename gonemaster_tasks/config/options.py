"""The declaration of a setting: names, type, default and description, stored as metadata of a dataclass field."""

from dataclasses import dataclass, field, fields
from typing import Any

from gonemaster_tasks.config.option_types import OptionType

PREFIX = "GONEMASTER_"


@dataclass(frozen=True)
class Option:
    """One setting.

    `name` is the attribute of Settings, `key` the name in files and in the API. `runtime` marks settings that may be
    changed while the service runs; `secret` marks settings that are masked.
    """

    name: str
    key: str
    env: str
    flag: str
    type: OptionType
    default: Any
    description: str
    runtime: bool
    secret: bool

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value and has a `--no-` form."""
        return self.type.json_type == "boolean"


def option(
    default: Any,
    option_type: OptionType,
    description: str,
    *,
    key: str = "",
    env: str = "",
    flag: str = "",
    runtime: bool = False,
    secret: bool = False,
) -> Any:
    """Declare a field of an area as a setting.

    `key` defaults to the name of the field; `env` (without prefix) and `flag` default to names derived from the key.
    """
    names = {"key": key, "env": env, "flag": flag}
    facts = {"type": option_type, "description": description, "runtime": runtime, "secret": secret}
    return field(default=default, metadata=names | facts)


def options_of(area: type) -> tuple[Option, ...]:
    """Return the settings that an area declares, in the order of the file."""
    return tuple(_as_option(item.name, item.default, dict(item.metadata)) for item in fields(area))


def _as_option(name: str, default: object, declared: dict[str, Any]) -> Option:
    key = declared.pop("key") or name
    stem = key.replace("database.", "db.").replace(".", "_")
    env = PREFIX + (declared.pop("env") or stem.upper())
    flag = declared.pop("flag") or "--" + stem.replace("_", "-")
    return Option(name=name, key=key, env=env, flag=flag, default=default, **declared)
