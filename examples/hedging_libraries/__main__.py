"""Judge all and print the table; then the page of the failure that teaches most.

python -m pip install -r examples/hedging_libraries/requirements.txt
python -m examples.hedging_libraries
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import spectest
from examples.hedging_libraries import clients, promises
from examples.hedging_libraries.table import CLIENTS, ROWS, Row, finding_of


def main(rows: Iterable[Row] = ROWS) -> None:
    print("| promise | promised by |", " | ".join(CLIENTS), "|")
    print("|---|---|" + "---|" * len(CLIENTS))
    for row in rows:
        failures = [row.judge(client).failure for client in CLIENTS.values()]
        cells = ["holds" if it is None else f"fails: {finding_of(it)}" for it in failures]
        print(f"| {row.promise} | {row.promised} |", " | ".join(cells), "|", flush=True)
    print()
    program = functools.partial(promises.gives_connections_back, clients.hedge_python)
    print(spectest.render(spectest.explore(program, confirm=True)))


if __name__ == "__main__":
    main()
