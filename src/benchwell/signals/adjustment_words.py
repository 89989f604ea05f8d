"""What each view of a figure takes into account, in plain words (METHODS M3.1, UX.md)."""

from __future__ import annotations

import re
from collections.abc import Collection

from benchwell.i18n import N_, _, local_digits
from benchwell.signals.lights import face
from benchwell.signals.words import uncapital
from benchwell.terms import Adjustment, Better, Light

TITLES = {
    Adjustment.UNADJUSTED: N_("As counted"),
    Adjustment.CLINICAL: N_("Adjusted for whom one treats"),
    Adjustment.SOCIAL: N_("Adjusted for social risk, too"),
    Adjustment.DAY: N_("Adjusted for the day of measurement, too"),
    Adjustment.VARIANT: N_("Adjusted for a declared variant, too"),
}
TAKEN = {
    Adjustment.UNADJUSTED: N_("nothing is taken into account"),
    Adjustment.CLINICAL: N_("taken into account: how people were when care began"),
    Adjustment.SOCIAL: N_("taken into account: how people were when care began, and their social risk"),
    Adjustment.DAY: N_("taken into account: how people were when care began, and when they were measured again"),
    Adjustment.VARIANT: N_(
        "taken into account: how people were when care began, their social risk, and a separately shown variant"
    ),
}
# Each view beside the one that it adds to.
ADDS_TO = {
    Adjustment.CLINICAL: Adjustment.UNADJUSTED,
    Adjustment.SOCIAL: Adjustment.CLINICAL,
    Adjustment.DAY: Adjustment.CLINICAL,
    Adjustment.VARIANT: Adjustment.SOCIAL,
}
_ADDED = {
    Adjustment.CLINICAL: N_("whom you treat"),
    Adjustment.SOCIAL: N_("the social risk of the people you treat"),
    Adjustment.DAY: N_("the day on which people were measured again"),
    Adjustment.VARIANT: N_("what is declared as a separately shown variant"),
}
_ADDED_BY_CLINICS = _ADDED | {
    Adjustment.CLINICAL: N_("whom a clinic treats"),
    Adjustment.SOCIAL: N_("the social risk of the people it treats"),
}


def steps(shown: Collection[Adjustment]) -> tuple[tuple[Adjustment, Adjustment], ...]:
    """Pairs of views that are read one after the other; a view without a figure is stepped over.

    >>> [(str(a), str(b)) for a, b in steps([Adjustment.UNADJUSTED, Adjustment.SOCIAL])]
    [('unadjusted', 'clinical+social')]
    """
    found = []
    for view in Adjustment:
        if view not in shown or view is Adjustment.UNADJUSTED:
            continue
        before = ADDS_TO[view]
        while before not in shown:
            if before is Adjustment.UNADJUSTED:
                break
            before = ADDS_TO[before]
        if before in shown:
            found.append((before, view))
    return tuple(found)


def because(before: Adjustment, after: Adjustment) -> str:
    """What a step between two views adds, as the reason why one's own state changes.

    >>> because(Adjustment.UNADJUSTED, Adjustment.CLINICAL)
    'because of whom you treat'
    """
    return _("because of {added}").format(added=_added(before, after, own=True))


def once_taken(before: Adjustment, after: Adjustment) -> str:
    """What a step between two views adds, for many clinics: what changes their states is not the same for each.

    >>> once_taken(Adjustment.UNADJUSTED, Adjustment.SOCIAL)
    'once whom a clinic treats and the social risk of the people it treats is taken into account'
    """
    return _("once {added} is taken into account").format(added=_added(before, after, own=False))


def _added(before: Adjustment, after: Adjustment, *, own: bool) -> str:
    added = []
    view = after
    while view is not before:
        added.append(_((_ADDED if own else _ADDED_BY_CLINICS)[view]))
        view = ADDS_TO[view]
    return _(" and ").join(reversed(added))


def in_view(view: Adjustment) -> str:
    """The view as an addition to a measure's title; "" for figures as counted.

    >>> in_view(Adjustment.CLINICAL), in_view(Adjustment.UNADJUSTED)
    (' (adjusted for whom one treats)', '')
    """
    return "" if view is Adjustment.UNADJUSTED else f" ({uncapital(_(TITLES[view]))})"


def state_words(state: Light, better: Better) -> str:
    """A state as text within a sentence.

    >>> state_words(Light.UNKNOWN, Better.HIGHER)
    'cannot tell yet'
    """
    return uncapital(face(state, better).word)


# Codes of models without a figure, where the edition states no words of its own.
_CODES = {
    "model_not_calibrated": N_("the model failed its check on clinics that it had not seen"),
    "no_adjusters": N_("nothing that this view takes into account is recorded here"),
    "too_few_outcomes": N_("too few people had the rarer outcome for a model"),
    "too_few_people": N_("too few people for a model"),
    "not_converged": N_("the model found no solution"),
    "nothing_added": N_("nothing that this view adds is recorded here"),
    "nobody_followed": N_("nobody has a follow-up score yet"),
    "nothing_within_clinics": N_("nothing that could be taken into account varies within clinics"),
    "no_day_without_followup": N_("people who were not followed up have no day of measurement"),
    "no_variation": N_("everybody has the same outcome"),
    "too_few_organizations": N_("too few clinics"),
    "one_organization": N_("there is nobody to compare with"),
    "nothing_expected": N_("nothing could be expected of these people"),
}


# Codes whose words say the same again, with names of variables.
_SAID = frozenset({"nothing_added", "no_adjusters"})
# What the check of a model states, in English as an edition keeps it; figures stay as they are.
_CHECKS = (
    (
        r"(?:calibration slope|slope of observed on predicted) (\S+) is outside (\S+) to (\S+)",
        N_("calibration slope {0}, allowed {1} to {2}"),
    ),
    (
        r"calibration-in-the-large (\S+) is not within (\S+) of 0",
        N_("calibration in the large {0}, allowed up to {1} to either side"),
    ),
    (
        r"observed over expected in group (.+) (\S+) is outside (\S+) to (\S+)",
        N_("observed over expected in the group “{0}” {1}, allowed {2} to {3}"),
    ),
    (
        r"mean error in group (.+) (\S+) SD is not within (\S+) SD of 0",
        N_("mean error in the group “{0}” {1} standard deviations, allowed up to {2} to either side"),
    ),
    (
        r"mean error (\S+) SD is not within (\S+) SD of 0",
        N_("mean error {0} standard deviations, allowed up to {1} to either side"),
    ),
)


def _check_words(words: str) -> str:
    """What a check found, in the reader's language; several findings one after the other."""
    found = []
    for part in words.split("; "):
        for pattern, text in _CHECKS:
            if match := re.fullmatch(pattern, part):
                found.append(_(text).format(*(local_digits(one) for one in match.groups())))
                break
        else:
            found.append(part)
    return "; ".join(found)


def refusal_words(reason: str | None) -> str:
    """Why a view has no figure; what follows a colon in the edition's reason is words already.

    >>> refusal_words("model_not_calibrated: calibration slope 0.360 is outside 0.9 to 1.1")
    'the model failed its check on clinics that it had not seen (calibration slope 0.360, allowed 0.9 to 1.1)'
    >>> refusal_words("nothing_added: what this view would add (measurement_day) is not recorded")
    'nothing that this view adds is recorded here'
    """
    if not reason:
        return _("the edition states no reason")
    code, _mark, words = reason.partition(": ")
    if code in _CODES and words and code not in _SAID:
        return f"{_(_CODES[code])} ({_check_words(words)})" if words != _CODES[code] else _(words)
    return _(_CODES[code]) if code in _CODES else words or code.replace("_", " ")
