"""What an interactive figure displays, live or recorded."""

from __future__ import annotations

import pytest

from course_utils.widgets import live, recorded, watched


@pytest.fixture
def shown(monkeypatch):
    """The MIME bundles that were displayed."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: bundles.append(data))
    monkeypatch.setattr(recorded, "_recorded", {})
    monkeypatch.delenv("COURSE_RECORD", raising=False)
    return bundles


@pytest.fixture
def recording(monkeypatch, shown):
    monkeypatch.setenv("COURSE_RECORD", "1")
    return shown


@pytest.fixture
def made(monkeypatch, shown):
    """The followed figures that were displayed live; their networks are served as they are."""
    figures, followed = [], live.Followed
    monkeypatch.setattr(live, "Followed", lambda *args, **kw: figures.append(followed(*args, **kw)) or figures[-1])
    monkeypatch.setattr(watched, "_fast", lambda model, compile: model)
    return figures
