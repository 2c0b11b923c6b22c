"""What the program shows in a browser, on this machine alone."""
