"""The origin AS and prefix of an address."""
