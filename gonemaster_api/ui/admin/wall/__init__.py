"""The wall view: the state of the service for a screen in an operations room."""
