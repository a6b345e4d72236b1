"""Configuration of the log from the settings."""

import logging
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

from gonemaster_tasks.config.rendering import secrets_of
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.logs import configure_logging

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

log = logging.getLogger(__name__)


def log_as_set(settings: Settings) -> None:
    """Configure the logging of this process; passwords from the settings are masked in every line.

    Errors that nothing catches are logged, because Python would write them without masks. Hooks of others stay, such
    as those of pytest.
    """
    configure_logging(form=settings.log_format, level=settings.effective_log_level, secrets=secrets_of(settings))
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_error
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_error_of_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _log_unraisable


def _log_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("process ends because of an error", exc_info=(kind, error, traceback))


def _log_error_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else ""
        about = (args.exc_type, args.exc_value, args.exc_traceback)
        log.critical("thread ends because of an error", extra={"thread_name": name}, exc_info=about)


def _log_unraisable(args: "UnraisableHookArgs") -> None:
    if args.exc_value is not None:
        log.error("error ignored", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
