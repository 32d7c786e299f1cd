"""Optimistic editing: an ETag is the hash of the rendered detail, and an update must name the one it saw.

The row is locked before the comparison, so of two updates that read the same version the second is refused; the answer
holds what is stored now, and each field that was sent otherwise.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.fields import without_hidden
from crm.api.errors import PreconditionFailed, PreconditionRequired
from crm.lib.wall import narrowed


def etag_of(data: Any) -> str:
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def named_tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}


def check_match(request: Request, current: Mapping[str, Any], *, required: bool = True) -> None:
    """Raise 428 without If-Match (where it is required), 412 where it names another version; weak tags never match.

    current : what a read would give now
    """
    header = request.headers.get("If-Match")
    if header is None:
        if required:
            raise PreconditionRequired
        return
    shown = without_hidden(current)
    tag = etag_of(shown)
    if header.strip() != "*" and tag not in named_tags(header):
        raise PreconditionFailed(current=shown, tag=tag, errors=_differences(shown, request.data))


def _differences(current: Mapping[str, Any], sent: Any) -> list[dict[str, str]]:
    """Each field that was sent otherwise than it is stored, with both values."""
    if not isinstance(sent, Mapping):
        return []
    words = _("Stored now: %(stored)s. You sent: %(sent)s.")
    return [
        {
            "pointer": f"/{name}",
            "detail": words % {"stored": _json(current[name]), "sent": _json(sent[name])},
            "code": "changed-meanwhile",
        }
        for name in sent
        if name in current and _json(current[name]) != _json(sent[name])
    ]


def _json(value: Any) -> str:
    return JSONRenderer().render(value).decode()


@contextmanager
def locked_to_delete(view: GenericViewSet, request: Request) -> Iterator[Any]:
    """The object of the address, locked until the block ends; If-Match is honoured where it is sent."""
    with transaction.atomic():
        found = view.get_object()
        list(type(found)._base_manager.filter(pk=found.pk).select_for_update(of=("self",)))  # noqa: SLF001 - Django's public name
        instance = view.get_object()
        check_match(request, view.get_serializer(instance).data, required=False)
        yield instance


class TaggedReadMixin(GenericViewSet):
    """Retrieve with ETag and 304."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = without_hidden(self.get_serializer(self.get_object()).data)
        tag = etag_of(data)
        seen = named_tags(request.headers.get("If-None-Match", "").replace("W/", ""))
        if tag in seen:
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(data, headers={"ETag": tag})

    def tagged(self, instance: Model, *, code: int = status.HTTP_200_OK, **headers: str) -> Response:
        """The stored row, read again so that its tag is the one the next GET gives."""
        instance.refresh_from_db()
        data = without_hidden(self.get_serializer(instance).data)
        return Response(data, status=code, headers={"ETag": etag_of(data), **headers})


class TaggedUpdateMixin(TaggedReadMixin):
    """Update under a row lock, with If-Match."""

    def update(self, request: Request, *args: Any, partial: bool = False, **kwargs: Any) -> Response:
        with transaction.atomic():
            instance = self.get_locked_object()
            check_match(request, self.get_serializer(instance).data)
            serializer = self.get_serializer(instance, data=request.data, partial=partial)
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
        return self.tagged(serializer.instance)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, partial=True, **kwargs)

    def perform_update(self, serializer: Any) -> None:
        serializer.save()

    def get_locked_object(self) -> Model:
        """The object of the address, locked until the transaction ends; hidden and missing are both 404."""
        rows = self.get_queryset().select_for_update(of=("self",))
        with narrowed():
            instance = get_object_or_404(rows, pk=self.kwargs[self.lookup_url_kwarg or self.lookup_field])
        self.check_object_permissions(self.request, instance)
        return instance


class TaggedWriteMixin(TaggedUpdateMixin):
    """Delete too."""

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """If-Match is honoured where it is sent."""
        with transaction.atomic():
            instance = self.get_locked_object()
            check_match(request, self.get_serializer(instance).data, required=False)
            self.perform_destroy(instance)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def perform_destroy(self, instance: Model) -> None:
        instance.delete()
