"""What the processes of the service share: locks, task times, and their reports."""
