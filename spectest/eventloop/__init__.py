"""asyncio, rebuilt on the kernel: stock CPython's loop with another clock and another outside."""
