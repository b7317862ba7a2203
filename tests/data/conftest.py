"""An empty cache, no data folder and no network for every test of the data sets."""

import pytest

from nnguide.data import download


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder, which does not exist yet."""
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    monkeypatch.setattr(download, "_unreachable", {})
    return tmp_path / "cache"
