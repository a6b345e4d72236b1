"""The command `gonemaster rst`."""
