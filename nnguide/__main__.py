"""The process of `nnguide`, which is `python -m nnguide` too.

While the command line is imported there is nothing to tidy up: Ctrl-C just ends the process,
without a traceback. `main` sets a handler of its own.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from nnguide.cli import main

if __name__ == "__main__":
    try:
        main()
    finally:
        # `python -m` ends by SIGINT itself, not with a status, once a KeyboardInterrupt has left an
        # exec of text (a dataclass, pybind11), even if it was caught. The next exec undoes that.
        exec("")
