"""`python -m benchwell.cli`: the same as the command `benchwell`."""

from benchwell.cli import main

main()
