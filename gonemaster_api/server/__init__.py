"""The command `gonemaster-server` and the programs that it starts."""
