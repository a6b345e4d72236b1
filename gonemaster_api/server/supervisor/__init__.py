"""The supervisor of programs that belong together: it starts them in order, monitors, restarts and stops them."""
