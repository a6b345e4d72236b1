"""Configuration of the log from the settings."""

from gonemaster_tasks.config.rendering import secrets_of
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.logs import configure_logging


def log_as_set(settings: Settings) -> None:
    """Configure the logging of this process; passwords from the settings are masked in every line."""
    configure_logging(form=settings.log_format, level=settings.effective_log_level, secrets=secrets_of(settings))
