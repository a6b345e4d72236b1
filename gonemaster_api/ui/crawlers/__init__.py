"""What programs that follow links are told: which pages they may read, and which there are."""
