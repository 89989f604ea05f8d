"""Open what the live service stands on."""

from __future__ import annotations

from pathlib import Path

from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.workspace import REGISTER_FILE, Workspace
from benchwell.register import Register


def open_service(path: Path, register: str | None = None, *, is_demo: bool = False) -> LiveService:
    """Open a workspace and its register.

    Args:
        path: The workspace's folder.
        register: Address of the register; null is what the workspace's settings name, or `register.db` in it.
        is_demo: Everybody in it is made up.

    Raises:
        WorkspaceError: If there is no workspace.
        RegisterError: If the register cannot be opened.
    """
    workspace = Workspace.open(path)
    address = register or workspace.settings.register_url
    store = Register(address) if address else Register.in_file(workspace.path / REGISTER_FILE)
    return LiveService(workspace, store, is_demo=is_demo)


def register_address(path: Path, register: str | None = None) -> str | None:
    """The address that `open_service` would use; null is the file in the workspace. Arguments and errors as there."""
    return register or Workspace.open(path).settings.register_url
