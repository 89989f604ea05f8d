"""What programs ask: scores in, figures out."""
