"""Where the program starts: imports nothing before an interrupt can be told in one line."""

import sys


def main() -> None:
    """Run the program and exit with one of the documented codes."""
    try:
        from lpxsched.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
