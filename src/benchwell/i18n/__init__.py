"""Words, numbers and dates in the reader's language.

    using(language)   a context in which the functions below speak that language
    speak(language)   from here on, in one request
    _ , ngettext      texts by gettext; the English text is the key
    number, percent, day, short_day, month, moment   by locale

Texts have named places, `_("{n} people").format(n=…)`, so that a translator may change their order. Catalogues are
the `.po` files under `locale/`; they are read as they are, so there is nothing to compile.
"""

from benchwell.i18n.catalogues import LANGUAGES, N_, NN_, _, current, ngettext, speak, using
from benchwell.i18n.formats import day, local_digits, moment, month, number, percent, short_day

__all__ = [
    "LANGUAGES",
    "NN_",
    "N_",
    "_",
    "current",
    "day",
    "local_digits",
    "moment",
    "month",
    "ngettext",
    "number",
    "percent",
    "short_day",
    "speak",
    "using",
]
