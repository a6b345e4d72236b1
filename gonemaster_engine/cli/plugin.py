"""Conventions of monitoring plug-ins: exit codes, and a first line of limited length.

Source: the plug-in guidelines of the Monitoring Plugins project.
"""

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")  # by exit code
OK, WARNING, CRITICAL, UNKNOWN = range(4)
FIRST_LINE_MAX = 160  # characters without performance data: the length of a pager message


def shorten_line(line: str, end: str = "") -> str:
    """Truncate a first line to the maximum length but keep its end; the full text follows on later lines."""
    available = FIRST_LINE_MAX - len(end)
    return f"{line if len(line) <= available else line[: available - 3] + '...'}{end}"
