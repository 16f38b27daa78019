"""`python -m spectest` is the command `spectest`."""

import sys

from spectest.cli import main

if __name__ == "__main__":
    sys.exit(main())
