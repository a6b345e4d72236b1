"""Jobs as documents: lists, live events, the queue."""
