"""A supervised program: its process, its output and its restarts."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import structlog

from gonemaster_api.server.supervisor import fork
from gonemaster_api.server.supervisor.fork import ForkedProcess

log = structlog.get_logger(__name__)

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 30.0
RESTARTS = "SUPERVISED_RESTARTS"  # workers report this variable with their heartbeats
HEALTHY_AFTER_S = 60.0
_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program to run, and how to stop it: a command, or a Python module with its arguments."""

    name: str
    command: tuple[str, ...]
    is_module: bool = False
    environ: Mapping[str, str]
    stop_timeout_s: float
    on_orphaned: int = signal.SIGTERM  # the kernel sends it if the supervisor dies
    inherited: tuple[int, ...] = ()  # file descriptors
    ready: Callable[[], bool] | None = None  # polled until true before the next group starts
    reloads: bool = False  # the program handles SIGHUP
    log_file: Path | None = None  # the log with the reason of a failure, if the output does not have it


@dataclass(eq=False)
class Child:
    """A program and the process that currently runs it, if any.

    `on_end` is called from another thread whenever a process ends, with this child and the exit status.
    """

    program: Program
    on_end: Callable[["Child", int], None]
    json_lines: bool = False
    process: subprocess.Popen[str] | ForkedProcess | None = None
    started: float = 0.0
    deaths: int = field(default=0, init=False)  # consecutive, without a healthy period in between
    starts: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.program.name

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process in its own session, so that Ctrl-C reaches only the supervisor."""
        self.process = self._fork() if self.program.is_module and fork.AVAILABLE else self._execute()
        self.starts += 1
        self.started = time.monotonic()
        log.info("started", child=self.name, pid=self.process.pid)
        threading.Thread(target=self._follow, args=(self.process,), daemon=True, name=self.name).start()

    def _fork(self) -> ForkedProcess:
        program = self.program
        module, *arguments = program.command
        return fork.fork_program(
            module,
            arguments,
            environ=self._environ(),
            inherited=program.inherited,
            on_orphaned=int(program.on_orphaned),
        )

    def _execute(self) -> "subprocess.Popen[str]":
        program = self.program
        command = (sys.executable, "-m", *program.command) if program.is_module else program.command
        return subprocess.Popen(  # noqa: S603 - commands are built here, not taken from requests
            [sys.executable, "-IS", str(_LAUNCH), str(os.getpid()), str(int(program.on_orphaned)), *command],
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=program.inherited,
        )

    def _environ(self) -> dict[str, str]:
        return {**self.program.environ, RESTARTS: str(self.starts)}

    def delay_before_restart(self) -> float:
        """Return the delay before a restart in seconds.

        There is no delay after the first exit. The delay then doubles each time, and a healthy period resets it.
        """
        if time.monotonic() - self.started > HEALTHY_AFTER_S:
            self.deaths = 0
        self.deaths += 1
        if self.deaths == 1:  # the first cause rarely recurs, and clients may be waiting
            return 0.0
        return float(min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (self.deaths - 2)))

    def send(self, signal_number: int) -> None:
        """Send a signal to the process if it is running; SIGKILL also goes to all processes that it started."""
        if self.process is None or not self.alive:
            return
        with suppress(ProcessLookupError):
            if signal_number == signal.SIGKILL:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.send_signal(signal_number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the process to end; return False if it is still running."""
        if self.process is None:
            return True
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _follow(self, process: "subprocess.Popen[str] | ForkedProcess") -> None:
        """Forward the output line by line, then report the end of the process."""
        output = process.stdout
        if output is not None:
            with output:
                for line in output:
                    with fork.OUTPUT_LOCK:
                        write_line(sys.stderr, self.name, line.rstrip("\n"), json_lines=self.json_lines)
        self.on_end(self, process.wait())


def write_line(stream: TextIO, name: str, line: str, *, json_lines: bool) -> None:
    """Write an output line of a child, prefixed with its name, or as JSON that contains its name."""
    if not line.strip():
        return
    if not json_lines:
        stream.write(f"{name:<9}| {line}\n")
    elif line.startswith("{") and line.endswith("}"):
        stream.write(f'{{"child": "{name}", {line[1:]}\n')
    else:
        stream.write(json.dumps({"child": name, "event": line}) + "\n")
    stream.flush()
