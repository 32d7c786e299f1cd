"""Forms of an answer beside JSON."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from accounts.fields import without_hidden


class CsvRenderer(BaseRenderer):
    """Lets `Accept: text/csv` ask for a file that is streamed as it is."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data)


class AnyRenderer(CsvRenderer):
    """Lets whatever is accepted ask for a file that is streamed as it is."""

    media_type = "*/*"
    format = "file"  # the description needs a word


class FieldRulesRenderer(JSONRenderer):
    """JSON with null in place of what the reader may not see; a problem document has none of it."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return super().render(without_hidden(data), accepted_media_type, renderer_context)
