"""`python -m roundtrip.agent` is the `agent` command."""

import sys

from roundtrip.agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
