"""The commands `gonemaster` and `gonemaster-nagios`."""
