"""What the live service does, a file per thing one can ask: doors call these and render what they get."""
