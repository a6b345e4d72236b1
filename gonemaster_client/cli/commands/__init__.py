"""The commands: one function each, which takes a session and the options, and returns the exit code."""
