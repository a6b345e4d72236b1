"""The command `gonemaster-client`."""

EXIT_OK, EXIT_DIFFERENT, EXIT_ERROR, EXIT_UNDECIDED, EXIT_INTERRUPTED = 0, 1, 2, 4, 130


class UsageError(Exception):
    """Arguments or input that the command cannot use; the message says what is allowed."""
