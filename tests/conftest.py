"""What holds for all tests."""

import os

# pytest prints assertions in full where it believes to run in CI; the expected pages do not.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)
