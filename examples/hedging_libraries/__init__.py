"""Two hedging libraries for httpx, judged on the same job, and `spectest.patterns` beside them."""
