"""Every access to the balances takes the lock, and the money is spent twice.

Each method is safe by itself. What two of them do together is not: between the look and the
withdrawal, another thread can look, too.

    python -m examples.threads.lost_update
"""

import threading

import spectest


class Accounts:
    def __init__(self, **balances: int) -> None:
        self._lock = threading.RLock()
        self._balances = balances

    def balance(self, owner: str) -> int:
        with self._lock:
            return self._balances[owner]

    def change(self, owner: str, amount: int) -> None:
        with self._lock:
            self._balances[owner] += amount

    def withdraw(self, owner: str, amount: int) -> bool:
        if self.balance(owner) < amount:
            return False
        self.change(owner, -amount)
        return True


class SafeAccounts(Accounts):
    def withdraw(self, owner: str, amount: int) -> bool:
        with self._lock:
            return super().withdraw(owner, amount)


def withdraw_twice(accounts: Accounts) -> None:
    paid: list[str] = []

    def withdraw(place: str) -> None:
        if accounts.withdraw("ann", 100):
            paid.append(place)

    threads = [
        threading.Thread(target=withdraw, args=(place,), name=place)
        for place in ("cash machine", "online shop")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accounts.balance("ann") >= 0, f"overdrawn by {' and '.join(paid)}"


def broken() -> None:
    withdraw_twice(Accounts(ann=100))


def fixed() -> None:
    withdraw_twice(SafeAccounts(ann=100))


if __name__ == "__main__":
    print(spectest.render(spectest.explore(broken)))
    print()
    print(spectest.render(spectest.explore(fixed)))
