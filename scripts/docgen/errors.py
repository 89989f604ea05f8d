"""docs/exit-codes.md: the error tree with its exit codes."""

from __future__ import annotations

from collections.abc import Iterator

from benchwell.errors import BenchwellError
from docgen.markdown import page, table

NEXT_STEP = {
    10: "Read the message and its hint.",
    11: "Use an id that the message lists, or add your own declaration to the workspace.",
    12: "Check that the file is what its ending says, and that it is not open or cut off.",
    13: "Correct the column or value that the message names ([mapping](mapping.md)), or approve the saved guess.",
    14: "Correct the field that the message names in the file that it names.",
    15: "Give the right folder with `-w`, or make one with `benchwell init`.",
    16: "Give the folder of an edition: the one that holds `manifest.json`.",
    17: "Do not use the edition's figures. The report names each number, file or declaration that differs.",
    18: "Run the same command again: a write that did not finish is not visible and is taken up anew.",
    19: "Install the engine that the message names.",
    20: "The good rows are in. Look at the reasons ([rejections](rejections.md)), correct the source, run it again.",
    21: "Nothing was taken. Look at the reasons ([rejections](rejections.md)); often it is the mapping or the dates.",
    22: "Type numbers, and NA where no answer was given. Answers that are numbers but cannot be scored are no error: "
    "the result says `invalid` and why ([methods](methods/index.md)).",
    23: "Choose a reference with the same denominator, or a measure that fits the reference.",
    24: "Correct the column or setting that the message names ([fit a model](how-to/fit-a-model.md)).",
    25: "Do not use the saved fit: it was changed after it was made. Fit it again.",
    26: "Download the whole expansion of the set that the message names from the Value Set Authority Center (VSAC) and "
    "give it with `--valuesets`.",
    27: "Do what the hint says and run the same command again: what has arrived is kept, and a started export is taken "
    "up where it stopped ([bulk data](bulk-data.md)).",
    28: "Check the register's address, that its database runs, and that it may be written. If it is of another version "
    "of Benchwell, start the service with that version once ([live service](live-service.md)).",
    29: "Sign in with a role that may, or ask whoever administers the service for one ([roles](live-service.md)).",
    30: "Do what the message says: often a port in use, a folder that is no workspace, or settings that contradict one "
    "another ([live service](live-service.md)).",
}

OTHERS = [
    (0, "done", "–", "Everything worked."),
    (2, "usage", "–", "The command was typed wrong: `--help` shows how."),
]


def family(kind: type[BenchwellError] = BenchwellError) -> Iterator[type[BenchwellError]]:
    """An error class and all below it, parents first."""
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


def exit_codes() -> str:
    """The page."""
    kinds = sorted(
        (kind for kind in family() if kind.__module__ == "benchwell.errors"), key=lambda kind: kind.exit_code
    )
    rows = [
        *((f"`{code}`", name, parent, step) for code, name, parent, step in OTHERS),
        *(
            (
                f"`{kind.exit_code}`",
                (kind.__doc__ or "").strip().splitlines()[0],
                f"`{kind.__name__}`",
                NEXT_STEP[kind.exit_code],
            )
            for kind in kinds
        ),
    ]
    return page(
        "# Exit codes",
        "Every command ends with one of these codes. In Python the same kinds are exceptions with the attribute "
        "`exit_code`; all of them are `benchwell.BenchwellError`.",
        table(["code", "what happened", "in Python", "what to do next"], rows),
        "A message goes to standard error and says what failed, which thing, where, and what to do next. It never "
        "holds a score or anything that points to a person: it names the file, the row number and the column.",
        "`VerificationFailedError` is an `EditionError`, and `NothingAcceptedError` is a `RejectedRowsError`: code "
        "that catches the general kind catches the special one too.",
    )
