"""Fake services: named remote dependencies with latency, capacity, failures and a ledger.

A call of one is an operation that the search may delay, and what goes wrong with it is a choice.
May import the platform, latencies and faults.
"""

from spectest.services.ledger import Call, Effect, Ledger
from spectest.services.service import FakeService
from spectest.services.sometimes import sometimes
from spectest.services.wrapping import patch

__all__ = ["Call", "Effect", "FakeService", "Ledger", "patch", "sometimes"]
