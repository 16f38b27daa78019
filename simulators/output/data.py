"""Numbers for programs: JSON with everything, CSV with a line for each measure."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from simulators.exact import NotApplicable, Solution
from simulators.files import to_data
from simulators.provenance import Provenance
from simulators.what_if import Row, WhatIf

if TYPE_CHECKING:
    from simulators.estimators import Estimate

__all__ = ["csv_of", "data_of", "dumps", "flat", "json_of"]


def data_of(found: WhatIf) -> dict[str, Any]:
    """What JSON can say: a number that there is not is None."""
    return {
        "provenance": found.provenance.to_data(),
        "scenario": to_data(found.scenario),
        "control": {
            "policy": to_data(found.control)["policy"],
            "scenario_hash": found.control.hash,
        },
        "level": found.level,
        "quantile_method": found.method,
        "cut": found.cut,
        "precise": found.precise,
        "exact": _formula(found.exact),
        "exact_of_control": _formula(found.exact_control),
        "notes": list(found.notes),
        "measures": [_row(row) for row in found.rows],
    }


def json_of(found: WhatIf) -> str:
    """The same as text."""
    return dumps(data_of(found))


def dumps(data: Any) -> str:
    """Strict JSON, in lines: NaN and infinity are null."""
    return json.dumps(_strict(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _strict(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _strict(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_strict(value) for value in data]
    return _finite(data) if isinstance(data, float) else data


def csv_of(found: WhatIf) -> str:
    """A line for each measure; every line says where it comes from."""
    common = {
        "quantile_method": found.method,
        "cut": found.cut,
        "precise": found.precise,
        "exact_by": _by(found.exact),
        "exact_of_control_by": _by(found.exact_control),
        "control_hash": found.control.hash,
        "notes": " ".join(found.notes),
        **flat(found.provenance),
    }
    rows = [_columns(_row(row)) | common for row in found.rows]
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def flat(made: Provenance) -> dict[str, Any]:
    """A provenance as columns; the versions in one of them."""
    data = made.to_data()
    return {**data, "versions": ", ".join(f"{name} {number}" for name, number in made.versions)}


def _row(row: Row) -> dict[str, Any]:
    return {
        "measure": row.measure,
        "unit": row.unit,
        "estimate": _estimate(row.estimate),
        "control": _estimate(row.control),
        "difference": _estimate(row.difference),
        "saved": _estimate(row.saved),
        "variance_reduced_by": _finite(row.times),
        "exact": _finite(row.exact),
        "exact_missing": row.why,
    }


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    """An estimate becomes columns, such as `control_low`; what is measured itself has `low`."""
    columns: dict[str, Any] = {}
    for name, value in row.items():
        if name not in ("estimate", "control", "difference", "saved"):
            columns[name] = value
            continue
        head = "" if name == "estimate" else f"{name}_"
        for part in _PARTS:
            columns[f"{head}{part}"] = None if value is None else value[part]
    return columns


_PARTS = ("value", "low", "high", "level", "requests", "effective", "method", "refused")


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    values = (
        _finite(found.value), _finite(found.low), _finite(found.high), found.level, found.n,
        _finite(found.effective), found.method, found.refused,
    )  # fmt: skip
    return dict(zip(_PARTS, values, strict=True))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _formula(answer: Solution | NotApplicable) -> dict[str, Any]:
    if isinstance(answer, NotApplicable):
        return {"not_applicable": answer.reason}
    measures = {name: _finite(value) for name, value in answer.measures.items()}
    missing = dict(answer.missing)
    return {
        "formula": answer.formula,
        "source": answer.source,
        "measures": measures,
        "missing": missing,
    }


def _by(answer: Solution | NotApplicable) -> str:
    return str(answer) if isinstance(answer, NotApplicable) else answer.formula
