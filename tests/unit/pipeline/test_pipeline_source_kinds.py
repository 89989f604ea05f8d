"""What is no file and no folder is refused before it is read: a device may never end."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchwell.errors import SourceError
from benchwell.pipeline.source_kinds import kind_of


@pytest.mark.skipif(not Path("/dev/zero").is_char_device(), reason="this system has no /dev/zero")
@pytest.mark.parametrize("several", [False, True])
def test_a_device_is_refused(several: bool) -> None:
    with pytest.raises(SourceError, match="is a device"):
        kind_of(["/dev/zero"] if several else "/dev/zero")
