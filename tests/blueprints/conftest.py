"""Small matrices gain nothing from threads, and lose much where processes share the cores."""

import pytest


@pytest.fixture(autouse=True)
def one_thread():
    import numpy  # noqa: F401  (its BLAS must be there to be limited)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield
