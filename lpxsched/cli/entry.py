"""Where the program starts: imports nothing before an interrupt can be told in one line."""

import signal
import sys


def main() -> None:
    """Run the program and exit with one of the documented codes."""
    try:
        from lpxsched.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    # All is done and told: while the interpreter ends, an interrupt would only change the exit code.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
