"""What keeps the queue and the store in order without being asked, one duty a file."""
