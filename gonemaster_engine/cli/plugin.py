"""What monitoring systems want of a check: exit codes, and a first line that fits.

Source: the plug-in guidelines of the Monitoring Plugins project.
"""

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")  # by exit code
OK, WARNING, CRITICAL, UNKNOWN = range(4)
FIRST_LINE_MAX = 160  # characters without performance data: what a short message of a pager holds


def fitting(line: str, end: str = "") -> str:
    """Cut a first line to what fits, with its end kept; more lines have the whole."""
    room = FIRST_LINE_MAX - len(end)
    return f"{line if len(line) <= room else line[: room - 3] + '...'}{end}"
