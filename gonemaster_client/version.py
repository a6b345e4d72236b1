"""Version of the client, which is released with the service; tests compare both versions."""

__version__ = "0.1.0"
