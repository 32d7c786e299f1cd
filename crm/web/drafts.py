"""A file between two pages: kept in the storage for one log-in until it is posted or forgotten."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from accounts.imports.sniff import kept_suffix

NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """``key`` names its place in the session, which holds the file's place in the storage and the name it was sent under;
    ``folder`` is where it is kept."""

    key: str
    folder: str

    def keep(self, request: HttpRequest, file: UploadedFile) -> None:
        """In the place of an earlier one."""
        self.forget(request)
        sent = Path(file.name or "")
        name = default_storage.save(f"{self.folder}/{uuid.uuid4().hex}{kept_suffix(sent.name)}", file)
        request.session[self.key] = [name, sent.name[:NAME_LENGTH]]

    def is_there(self, request: HttpRequest) -> bool:
        return self.key in request.session

    def name(self, request: HttpRequest) -> str:
        return str(request.session[self.key][1])

    def stem(self, request: HttpRequest) -> str:
        return Path(self.name(request)).name.split(".")[0]

    @contextmanager
    def opened(self, request: HttpRequest) -> Iterator[Path]:
        """The draft as a file on this machine. Raises FileNotFoundError where it is gone."""
        name = request.session[self.key][0]
        with default_storage.open(name, "rb") as kept, tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as copy:
            for piece in kept.chunks():
                copy.write(piece)
            copy.flush()
            yield Path(copy.name)

    def forget(self, request: HttpRequest) -> None:
        kept = request.session.pop(self.key, None)
        if kept:
            default_storage.delete(kept[0])
