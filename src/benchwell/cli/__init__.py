"""The command line: parse, call one function of the library, render. Data to stdout, messages to stderr."""

# The order in which the help lists the commands is that of these imports.
from benchwell.cli import scores, service, quality, exchange, declarations  # noqa: F401, I001
from benchwell.cli.app import app, main

__all__ = ["app", "main"]
