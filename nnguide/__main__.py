"""`python -m nnguide` is `nnguide`."""

from nnguide.cli import main

if __name__ == "__main__":
    main()
