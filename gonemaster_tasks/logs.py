"""Logging of all processes: key=value text or JSON, through the loggers of the standard library."""

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict

from gonemaster_tasks.masking import Masking

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_QUIET = (
    "alembic",
    "celery.worker.strategy",
    "celery.app.trace",
    "celery.redirected",
    "amqp",
    "gonemaster_db.core.connection.pool.LingeringPool",  # SQLAlchemy's pool, under its class name, logs every disposal.
    "kombu",
)


_MAX_TEXT = 8_192  # characters of a value; a traceback keeps its end, which has the error
_MAX_ITEMS = 100  # of a list
_MAX_JOB_LINES = 50
_MAX_JOB_LINE = 2_000  # characters
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class JobLineHandler(logging.Handler):
    """Passes the lines of jobs to a function, with the ID of the job: the text that the log has, with a lower limit."""

    def __init__(self, on_line: Callable[[str, str], None], *, secrets: Iterable[str]) -> None:
        super().__init__()
        self._on_line = on_line
        self.setFormatter(_formatter("text", Masking(secrets)))
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the line on if it belongs to a job."""
        job_id = structlog.contextvars.get_contextvars().get("job_id") or getattr(record, "job_id", None)
        if job_id is not None:
            self._on_line(str(job_id), _cut(self.format(record), _MAX_JOB_LINE))


class JobLines:
    """The last lines of each running job. Thread-safe."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[str]] = {}
        self._lock = threading.Lock()

    def begin(self, job_id: str) -> None:
        """Collect the lines of a job from now on."""
        with self._lock:
            self._lines[job_id] = deque(maxlen=_MAX_JOB_LINES)

    def add(self, job_id: str, line: str) -> None:
        """Add a line; lines of other jobs are ignored."""
        with self._lock:
            if job_id in self._lines:
                self._lines[job_id].append(line)

    def of(self, job_id: str) -> list[str]:
        """Return the lines of a job so far."""
        with self._lock:
            return list(self._lines.get(job_id, ()))

    def discard(self, job_id: str) -> None:
        """Discard the lines of a job that has ended."""
        with self._lock:
            self._lines.pop(job_id, None)


def configure_logging(
    *, form: str = "text", level: str = "info", stream: TextIO | None = None, secrets: Iterable[str] = ()
) -> None:
    """Write all records to `stream` (standard error) as `text` or `json`, including the values in `extra`.

    The `secrets` and passwords in URLs are masked everywhere, including tracebacks. A line has a limited length, and
    control characters and marks that change the display are written as escape sequences.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(form, Masking(secrets)))
    root = logging.getLogger()
    root.handlers[:] = [handler, *(each for each in root.handlers if isinstance(each, JobLineHandler))]
    root.setLevel(LEVELS[level])
    for name in _QUIET:  # Otherwise they log a line or two per message.
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    _omit_callers()
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # Later configurations in the same process (doctor, tests) must take effect.
    )


def _omit_callers() -> None:
    """Omit unused fields of log records: the caller, which is expensive to find, and its thread and task.

    Source: the section on optimization in Python's logging HOWTO.
    """
    logging._srcfile = None  # noqa: SLF001
    # The last one exists since Python 3.12.
    for name in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
        setattr(logging, name, False)


def _formatter(form: str, masking: Masking) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(form, masking)],
    )


def _renderer(form: str, masking: Masking) -> list[structlog.typing.Processor]:
    def mask(_logger: object, _method: str, fields: EventDict) -> EventDict:
        return {name: _masked(value, masking) for name, value in fields.items()}

    rendered: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(default=lambda value: masking(repr(value)))
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"], drop_missing=True)
    )
    return [structlog.processors.format_exc_info, mask, rendered]


def _masked(value: Any, masking: Masking) -> Any:
    if isinstance(value, str):
        return _cut(masking(value))
    if isinstance(value, Mapping):
        return {_cut(masking(str(name))): _masked(item, masking) for name, item in islice(value.items(), _MAX_ITEMS)}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, masking) for item in islice(value, _MAX_ITEMS)]
    # Other values are shown by their repr, such as exceptions; only what such a text must not contain needs a copy.
    return value if value is None or isinstance(value, bool | int | float) else _shown(value, masking)


def _shown(value: object, masking: Masking) -> object:
    text = repr(value)
    return value if (masked := _cut(masking(text))) == text and text.isprintable() else masked


def _cut(text: str, most: int = _MAX_TEXT) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} [{len(text) - 2 * half} characters] {text[-half:]}"
