"""What each process knows about itself and tells the others."""
