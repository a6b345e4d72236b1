"""What more than one view does, or what takes more than one step."""
