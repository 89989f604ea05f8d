"""docs/cli.md: every command with its arguments and options, read from the Typer application."""

from __future__ import annotations

import re
from typing import Any

import typer.main

from docgen.markdown import page, table

INTRODUCTION = """Data go to standard output or to the file that you name; messages go to standard error. `--json` gives
the same data for machines. Progress is shown only on a terminal. Exit codes: [exit-codes.md](exit-codes.md)."""


def commands() -> str:
    """The page."""
    from benchwell.cli import app

    group: Any = typer.main.get_command(app)
    names = sorted(group.commands)
    return page(
        "# The command line",
        INTRODUCTION,
        table(["command", "what it does"], [(f"[`{name}`](#{name})", _first(group.commands[name])) for name in names]),
        *(_command(name, group.commands[name]) for name in names),
    )


def _first(command: Any) -> str:
    return _help(command).split("\n\n")[0].replace("\n", " ")


def _help(command: Any) -> str:
    return re.sub(r"\[/?(?:bold|dim|italic|cyan|yellow)\]", "", (command.help or "").replace("\b", "").strip())


def _command(name: str, command: Any) -> list[str]:
    rows = [(_name(parameter), _meaning(parameter), _default(parameter)) for parameter in command.params]
    usage = " ".join(["benchwell", name, *(_usage(parameter) for parameter in command.params)])
    return [
        f"## {name}",
        "",
        _help(command),
        "",
        "```text",
        usage.strip(),
        "```",
        "",
        *table(["argument or option", "meaning", "default"], rows),
    ]


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _usage(parameter: Any) -> str:
    if not _is_argument(parameter):
        return ""
    shown = _metavar(parameter)
    return shown if parameter.required else f"[{shown}]"


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _name(parameter: Any) -> str:
    if _is_argument(parameter):
        return f"`{_metavar(parameter)}`"
    names = ", ".join(f"`{option}`" for option in [*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {_metavar(parameter)}"


def _meaning(parameter: Any) -> str:
    return str(parameter.help or "")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    if default is None or callable(default) or default in ([], (), False):
        return ""
    return f"`{default}`"
