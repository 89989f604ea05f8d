"""Kinds of therapy in words: what data call `cbt` a page calls cognitive behavioral therapy."""

from __future__ import annotations

from typing import Final

from benchwell.i18n import N_, _

THERAPIES: Final = {
    "act": N_("acceptance and commitment therapy"),
    "ba": N_("behavioral activation"),
    "bt": N_("behavior therapy"),
    "cat": N_("cognitive analytic therapy"),
    "cbt": N_("cognitive behavioral therapy"),
    "cft": N_("compassion-focused therapy"),
    "counselling": N_("counseling"),
    "counseling": N_("counseling"),
    "cpt": N_("cognitive processing therapy"),
    "dbt": N_("dialectical behavior therapy"),
    "dit": N_("dynamic interpersonal therapy"),
    "emdr": N_("EMDR"),
    "family": N_("family therapy"),
    "group": N_("group therapy"),
    "guided self help": N_("guided self-help"),
    "ipt": N_("interpersonal therapy"),
    "mbct": N_("mindfulness-based cognitive therapy"),
    "mct": N_("metacognitive therapy"),
    "medication": N_("medication"),
    "pdt": N_("psychodynamic therapy"),
    "pe": N_("prolonged exposure"),
    "psychodynamic": N_("psychodynamic therapy"),
    "schema": N_("schema therapy"),
    "systemic": N_("systemic therapy"),
}


def therapy_words(code: str | None) -> str:
    """A kind of therapy in words; one of a place's own as it is written, "" where none is known.

    >>> therapy_words("CBT"), therapy_words("our own way"), therapy_words(None)
    ('cognitive behavioral therapy', 'our own way', '')
    """
    if not code:
        return ""
    known = THERAPIES.get(code.strip().casefold().replace("_", " ").replace("-", " "))
    return _(known) if known else code
