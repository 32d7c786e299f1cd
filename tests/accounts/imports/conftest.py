import pytest


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    """Uploads and error files of a test stay in its own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
