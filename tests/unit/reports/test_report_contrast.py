"""Text and pictures reach WCAG AA contrast in light and dark."""

from __future__ import annotations

import re
from importlib import resources

import pytest

CSS = (resources.files("benchwell.reports") / "templates" / "report.css").read_text(encoding="utf-8")
TEXT = ("ink", "muted", "link", "above", "close", "below", "unknown")
PICTURE = ("own", "mark", "peer")


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return {
        name: dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", block))
        for name, block in zip(("light", "dark", "print"), blocks, strict=True)
    }


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
@pytest.mark.parametrize("ground", ["paper", "card", "soft"])
def test_text_is_legible(mode, ground):
    colours = palettes()[mode]
    for name in TEXT:
        assert contrast(colours[name], colours[ground]) >= 4.5, (mode, name, ground)


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
def test_marks_stand_out_from_the_band_and_the_card(mode):
    colours = palettes()[mode]
    for name in PICTURE:
        for ground in ("card", "band"):
            assert contrast(colours[name], colours[ground]) >= 3.0, (mode, name, ground)
