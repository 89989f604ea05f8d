"""`fold` again, slowly, in plain Python over lists: no code of it is shared, and the assessments must be the same."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchwell.registry import Registry

Row = dict[str, Any]
RANKS = {"panel": 2, "score": 3, "answer": 4}


def twin(rows: list[Row], registry: Registry) -> dict[str, tuple[Any, ...]]:
    """Assessments by id: retracted, instrument, scale, items, total, date, derived_from."""
    rows = [{**row, "rank": _rank(row), "position": n} for n, row in enumerate(rows)]
    rows = _latest(rows)
    forms_gone = {r["record"] for r in rows if r["retracted"] and r["record"].startswith("Q")}
    gone = [r for r in rows if r["retracted"] or set(r["links"] or ()) & forms_gone]
    made = {_id(r): (True, None, None, None, None, None, None) for r in gone if r["kind"] != "answer"}
    live = [r for r in rows if r not in gone]
    groups = _merge_by_day(_merge_by_instant([_sheet(g, live, registry) for g in _groups(live, registry)]))
    for one in groups:
        head = one["head"]
        items, total = one["items"], one["total"]
        if items is None and total is None:
            continue
        if items is not None and total is not None:
            instrument = registry.instruments[head["instrument"] or one["instrument"]]
            if sum(v is None for v in items) > instrument.max_missing_of(instrument.primary):
                items = None
        made[_id({**head, "instrument": one["instrument"]})] = (
            False, one["instrument"], head["scale"], None if items is None else tuple(items), total, head["date"],
            one["derived"],
        )  # fmt: skip
    return made


def _rank(row: Row) -> int:
    if row["kind"] == "form":
        return 0 if row["record"].startswith("QuestionnaireResponse/") else 1
    return RANKS[row["kind"]]


def _id(row: Row) -> str:
    if row["part"] == 0:
        return str(row["record"])
    return f"{row['record']}#{row['instrument']}" + (f".{row['scale']}" if row["scale"] else "")


def _latest(rows: list[Row]) -> list[Row]:
    best: dict[str, tuple[Any, ...]] = {}
    copies: dict[int, int] = {}
    copy = -1
    for row in rows:
        copy += row["part"] == 0
        copies[row["position"]] = copy
        low = float("-inf")
        key = (low if row["stored"] is None else row["stored"], low if row["edit"] is None else row["edit"],
               row["standing"], copy)  # fmt: skip
        best[row["record"]] = max(best.get(row["record"], key), key)
    return [row for row in rows if copies[row["position"]] == best[row["record"]][-1]]


def _candidates(code: str, registry: Registry) -> list[tuple[str, int, int]]:
    return [
        (name, number, len(codes))
        for name, one in registry.instruments.items()
        for codes in [one.codes.get("items", ())]
        for number, known in enumerate(codes, start=1)
        if known == f"loinc|{code}"
    ]


def _components(live: list[Row]) -> dict[str, int]:
    """Number of each record's set; records that nothing ties are left out."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    tied = set()
    for row in live:
        for other in [*(row["links"] or ()), *(row["members"] or ())]:
            tied |= {row["record"], other}
            parent[root(row["record"])] = root(other)
    roots = sorted({root(name) for name in tied})
    return {name: roots.index(root(name)) for name in tied}


def _groups(live: list[Row], registry: Registry) -> list[list[Row]]:
    component = _components(live)
    here = {row["record"] for row in live}
    for row in live:
        tied = component.get(row["record"])
        if tied is None and row["kind"] == "answer":
            row["place"] = ("time", row["patient_id"], row["date"], _second(row))
        elif tied is None:
            row["place"] = ("alone", row["position"])
        else:
            row["place"] = ("tied", tied)
    for row in live:
        row["meant"] = row["instrument"]
        if row["kind"] == "answer":
            row["meant"], row["item"] = _meaning(row, live, registry)
    sets: dict[Any, list[Row]] = defaultdict(list)
    for row in live:
        sets[row["place"], row["patient_id"], row["meant"]].append(row)
    groups: dict[Any, list[Row]] = defaultdict(list)
    for key, members in sets.items():
        forms = sum(row["rank"] == 0 for row in members)
        cut = key[0][0] == "tied" and (forms > 1 or (forms == 0 and len({row["date"] for row in members}) > 1))
        for row in members:
            home = next((link for link in row["links"] or () if link.startswith("Q") and link in here), None)
            own = row["record"] if row["rank"] == 0 else home or str(row["date"])
            row["home"] = home
            row["absent"] = next(
                (link for link in row["links"] or () if link.startswith("Q") and link not in here), None
            )
            groups[key, row["scale"], own if cut else None].append(row)
    return list(groups.values())


def _second(row: Row) -> int | None:
    return None if row["instant"] is None else int(row["instant"] // 1)


def _meaning(row: Row, live: list[Row], registry: Registry) -> tuple[str, int]:
    """Which instrument an answer belongs to: one that is named beside it, the fullest, the smallest."""
    beside = [r for r in live if r["patient_id"] == row["patient_id"] and r["kind"] != "answer"]
    named = {
        r["instrument"] for r in beside
        if (r["place"] == row["place"]) or (row["place"][0] == "time" and r["date"] == row["date"]
                                            and _second(r) == _second(row))
    }  # fmt: skip
    answers = [
        r for r in live
        if r["kind"] == "answer" and r["place"] == row["place"] and r["patient_id"] == row["patient_id"]
    ]  # fmt: skip
    codes = {r["code"] for r in answers}

    def order(one: tuple[str, int, int]) -> tuple[Any, ...]:
        name, _, _ = one
        held = sum(any(n == name for n, _, _ in _candidates(code, registry)) for code in codes)
        count = registry.instruments[name].form.count
        return (name not in named, -held, count, name)

    name, item, _ = min(_candidates(row["code"], registry), key=order)
    return name, item


def _sheet(members: list[Row], live: list[Row], registry: Registry) -> Row:
    members = sorted(members, key=lambda r: (r["rank"], r["record"], r["part"]))
    head = members[0]
    instrument = registry.instruments[head["meant"]]
    form = next((r for r in members if r["kind"] == "form"), None)
    items: list[float | None] | None = None
    answers = [r for r in members if r["kind"] == "answer"]
    if form is not None:
        items = list(form["items"])
    elif answers:
        items = [None] * instrument.form.count
        for number in range(1, instrument.form.count + 1):
            values = {r["value"] for r in answers if r["item"] == number}
            items[number - 1] = values.pop() if len(values) == 1 else None
        items = None if all(v is None for v in items) else items
    absent = min((r["absent"] for r in members if r["absent"]), default=None)
    home = min((r["home"] for r in members if r["home"]), default=None)
    derived = None if head["rank"] == 0 else absent or (home if head["scale"] else None)
    total = next((r["total"] for r in members if r["total"] is not None), None)
    return {
        "head": head, "instrument": head["meant"], "items": items, "total": total, "form": head["rank"] < 2,
        "scored": any(r["kind"] == "score" for r in members), "derived": derived,
        "sum": sum(items) if items and None not in items else None,  # type: ignore[arg-type]
        "order": (head["rank"], head["record"], head["part"]),
    }  # fmt: skip


def _absorb(target: Row, one: Row) -> None:
    target.setdefault("took", []).append(one)


def _settle(groups: list[Row]) -> list[Row]:
    for target in groups:
        for one in sorted(target.pop("took", []), key=lambda g: g["order"]):
            if target["total"] is None:
                target["total"] = one["total"]
            target["more_scored"] = target.get("more_scored", False) or one["scored"]
            if target["head"]["rank"] > 0 and target["derived"] is None:
                target["derived"] = one["derived"]
    return groups


def _merge_by_instant(groups: list[Row]) -> list[Row]:
    groups = sorted(groups, key=lambda g: g["order"])
    at: dict[Any, list[Row]] = defaultdict(list)
    kept = []
    for one in groups:
        if _second(one["head"]) is None or one["head"]["scale"] is not None:
            kept.append(one)
        else:
            at[one["head"]["patient_id"], one["instrument"], _second(one["head"])].append(one)
    for together in at.values():
        different: list[Row] = []
        for one in together:
            same = next((o for o in different if one["form"] and o["form"] and o["items"] == one["items"]), None)
            different.append(one) if same is None else _absorb(same, one)
        for one in different:
            target = _host(one, different)
            if target is one:
                kept.append(one)
            else:
                _absorb(target, one)
    return _keep_first(kept)


def _host(one: Row, together: list[Row]) -> Row:
    """Which of the assessments of one instant this one belongs to; itself, if it is one of its own."""
    forms = [other for other in together if other["form"]]
    sheets = [other for other in together if other["items"] is not None]
    totals = [other for other in together if other["items"] is None and other["total"] is not None]
    if one["form"]:
        return one
    if len(forms) == 1:
        return forms[0]
    if one["items"] is not None:
        return one
    if len(sheets) == 1:
        return sheets[0]
    if sheets:
        return next((s for s in sheets if one["total"] is not None and s["sum"] == one["total"]), one)
    if one["total"] is None:
        return next(iter(totals), one)
    return next(t for t in totals if t["total"] == one["total"])


def _keep_first(groups: list[Row]) -> list[Row]:
    # What is stated by the assessment itself decides what a total of the day may join, so keep it.
    for one in groups:
        one["own_total"] = one["total"]
    return _settle(groups)


def _merge_by_day(groups: list[Row]) -> list[Row]:
    groups = sorted(groups, key=lambda g: g["order"])
    kept = [g for g in groups if g["items"] is not None or g["total"] is None or g["head"]["scale"] is not None]
    for one in groups:
        if one in kept:
            continue
        head = one["head"]
        target = next(
            (g for g in kept
             if g["items"] is not None and g["sum"] is not None and g["sum"] == one["own_total"]
             and g["own_total"] in (None, one["own_total"]) and not g["scored"] and not g.get("more_scored")
             and not g.get("taken") and g["head"]["scale"] is None
             and (g["head"]["patient_id"], g["instrument"], g["head"]["date"])
             == (head["patient_id"], one["instrument"], head["date"])),
            None,
        )  # fmt: skip
        if target is None:
            kept.append(one)
        else:
            target["taken"] = True
            _absorb(target, one)
    return _settle(kept)
