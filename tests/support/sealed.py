"""Run a command as a systemd unit does: python sealed.py UNIT COMMAND... (the last step, after unshare and setpriv).

It sets no_new_privs, refuses memory that is writable and executable (MemoryDenyWriteExecute), and installs the system
call filter of the unit (SystemCallFilter, RestrictAddressFamilies) with libseccomp; then it becomes the command.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EQUAL = 4  # SCMP_CMP_EQ


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp` of libseccomp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def values(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit, re.MULTILINE)


def calls_of(name: str) -> set[str]:
    """Return the system calls of a set such as @system-service, and of the sets in it."""
    if not name.startswith("@"):
        return {name}
    done = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    found = [line.strip() for line in done.stdout.splitlines()[1:]]
    return {call for entry in found if entry and not entry.startswith("#") for call in calls_of(entry)}


def allowed_calls(unit: str) -> set[str]:
    allowed = calls_of("@default")  # systemd adds these to each allow list
    for value in values(unit, "SystemCallFilter"):
        named = {call for name in value.removeprefix("~").split() for call in calls_of(name)}
        allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def seal(unit: str) -> None:
    """Restrict this process and its children permanently."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        libc.prctl(_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)  # kernels before 6.3 do not support it
    _filter(allowed_calls(unit), values(unit, "RestrictAddressFamilies")[0].split())


def _filter(calls: set[str], families: list[str]) -> None:
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(_ERRNO | errno.EPERM)))
    allow = ctypes.c_uint32(_ALLOW)
    for call in sorted(calls - {"socket"}):
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:  # the native architecture
            _checked(seccomp.seccomp_rule_add_array(context, allow, number, 0, None), call)
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    for family in families:
        comparison = (_Comparison * 1)(_Comparison(0, _EQUAL, int(getattr(socket, family)), 0))
        _checked(seccomp.seccomp_rule_add_array(context, allow, number, 1, comparison), family)
    _checked(seccomp.seccomp_load(context), "load")


def _checked(result: int, what: str) -> None:
    if result:
        raise OSError(-result, f"libseccomp: {what}")


if __name__ == "__main__":
    seal(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.execv(sys.argv[2], sys.argv[2:])
