"""Event streams: the event loop of a process reads events once for all viewers, and waits for none of them."""
