"""From a log to a scenario: what production has already measured, with everything accounted for.

    from simulators import fit

    log = fit.read("requests.csv", unit="ms", branches=["llm", "rules"])
    fitted = fit.fit(log, policy=Hedge(0.05))
    print(fitted.account)

A loser that was cancelled did not take as long as it ran; it would have taken longer. Such times
are lower bounds, and are used as such.
"""

from simulators.fit.account import Account, BranchAccount, Dropped
from simulators.fit.fitting import Fitted, fit
from simulators.fit.observations import Observations
from simulators.fit.reading import FORMATS, read
from simulators.fit.replaying import replay

__all__ = [
    "FORMATS",
    "Account",
    "BranchAccount",
    "Dropped",
    "Fitted",
    "Observations",
    "fit",
    "read",
    "replay",
]
