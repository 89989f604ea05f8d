"""What people see, a file per page."""
