"""Which processes of this machine run: by PID and time of start, since PIDs are used again. Linux only."""

import os
from pathlib import Path

_PROC = Path("/proc")
_STATE, _START = 0, 19  # fields behind the name of the program (proc_pid_stat(5): 3 and 22)
_ENDED = "ZX"  # a zombie has ended, though nobody has waited for it yet


def machine_id() -> str:
    """Identify this start of the machine, and this container of it; empty where the system does not tell."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def identity(pid: int | None = None) -> str:
    """Identify a running process of this machine, this one by default; empty if there is none with this PID."""
    pid = os.getpid() if pid is None else pid
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ""
    return "" if fields[_STATE] in _ENDED else f"{pid} {fields[_START]}"


def is_running(known: str) -> bool:
    """Say whether the process of an identity runs (or is stopped) still."""
    pid = known.partition(" ")[0]
    return pid.isdigit() and identity(int(pid)) == known
