"""`python -m simulators run|sweep|verdict|check|fit|report`: latency what-ifs from the terminal."""

import sys

from simulators.cli import main

if __name__ == "__main__":
    sys.exit(main())
