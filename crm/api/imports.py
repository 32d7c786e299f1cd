"""Files into the ledger: send one, ask how far it is, fetch what was rejected, take it back."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.duplicates import matches_of
from accounts.imports import services
from accounts.imports.booking import books_by_code
from accounts.imports.options import ImportOptions
from accounts.imports.sniff import kept_suffix
from accounts.models import ImportBatch, User
from crm.api.duplicates import MatchSerializer
from crm.api.idempotency import idempotent
from crm.api.parsers import MAX_BODY, UNSTORABLE, check_storable
from crm.api.renderers import CsvRenderer
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet

POSTED_IN_REQUEST = 50 << 20  # bytes up to which `wait` is honoured; above it the batch is queued all the same


class BatchSerializer(serializers.ModelSerializer):
    """One file or one request that brought lines, with the count of every row it read."""

    batch = serializers.IntegerField(source="pk", read_only=True, allow_null=True)
    file = serializers.CharField(source="file_name", read_only=True)
    error_file = serializers.SerializerMethodField()
    created_by = serializers.PrimaryKeyRelatedField(read_only=True)

    class Meta:
        model = ImportBatch
        fields = (
            "id",
            "batch",
            "state",
            "file",
            "source",
            "profile",
            "currency",
            "read",
            "posted",
            "already_there",
            "rejected",
            "reasons",
            "error_file",
            "seconds",
            "error",
            "first_booked_on",
            "last_booked_on",
            "created_by",
            "created_at",
            "queued_at",
            "posted_at",
            "withdrawn_at",
            "withdrawn_reason",
        )
        read_only_fields = fields
        extra_kwargs = {"reasons": {"help_text": "Rejected rows by reason code."}}

    def get_error_file(self, batch: ImportBatch) -> str | None:
        """Where the marked error file is fetched; null where no row was rejected."""
        if not batch.error_file:
            return None
        return self.context["request"].build_absolute_uri(reverse("api:imports-errors", args=[batch.pk]))


class FileSerializer(StrictSerializer):
    """What an import takes beside the file; without profile and mapping the one profile that fits is taken."""

    file = serializers.FileField(help_text="CSV, CSV.gz or XLSX.", max_length=255)
    profile = serializers.CharField(required=False, help_text="A built-in profile or a saved mapping.", max_length=60)
    mapping = serializers.CharField(
        required=False, help_text="A mapping as JSON, as a mapping file has it.", max_length=MAX_BODY
    )
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, help_text="Of rows that give none.")
    source = serializers.CharField(required=False, max_length=60, help_text="Rows are identified within it.")
    create = serializers.BooleanField(default=True, help_text="Add accounts, products and contracts that do not exist.")
    dry_run = serializers.BooleanField(default=False, help_text="Count, and leave nothing.")
    wait = serializers.BooleanField(default=False, help_text="Post within the request, up to 50 MB.")
    books = serializers.CharField(
        required=False, max_length=MAX_BODY,
        help_text="Customers of the file that are here already, as a JSON object: code in the file → code of the account"
        " that its rows are booked on, instead of a new one. A dry run tells whom new customers resemble (`alike`).",
    )  # fmt: skip

    def validate_file(self, value: UploadedFile) -> UploadedFile:
        if UNSTORABLE.search(value.name or ""):
            raise serializers.ValidationError(_("The name of the file cannot be stored."))
        return value

    def validate_books(self, value: str) -> dict[str, int]:
        """Of accounts the caller may open alone: what cannot be seen reads as what is not there."""
        codes = _json(value, refusal=_("This is not readable JSON."))
        if not isinstance(codes, dict) or not all(isinstance(there, str) for there in codes.values()):
            raise serializers.ValidationError(
                _("Give a JSON object: codes of the file, each with the code of an account.")
            )
        check_storable(codes)
        books, unknown = books_by_code(codes, viewer=self.context["request"].user)
        if unknown:
            absent = _("There is no account with this code among those you see.")
            raise serializers.ValidationError({code: [absent] for code in unknown})
        return books

    def validate_mapping(self, value: str) -> dict[str, Any]:
        mapping = _json(value, refusal=_("The mapping is not readable JSON."))
        if not isinstance(mapping, dict):
            raise serializers.ValidationError(_("A mapping is a JSON object."))
        check_storable(mapping)
        return mapping

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "profile" in attrs and "mapping" in attrs:
            raise serializers.ValidationError({"mapping": [_("Give a profile or a mapping, not both.")]})
        return attrs

    def options(self) -> ImportOptions:
        told = self.validated_data
        return ImportOptions(
            profile=told.get("profile", ""),
            mapping=told.get("mapping"),
            currency=told.get("currency", ""),
            source=told.get("source", ""),
            create=told["create"],
            books=told.get("books", {}),
        )


class AlikeSerializer(serializers.Serializer):
    """A customer of the file that would become a new account, and the account it resembles most."""

    code = serializers.CharField(help_text="Of the customer in the file; the key of `books`.")
    name = serializers.CharField()
    account = MatchSerializer()


class DryRunSerializer(serializers.Serializer):
    """The counts a file would give; `batch` is null because there is none. `alike` looks at the first 300 new accounts."""

    batch = serializers.IntegerField(allow_null=True)
    file = serializers.CharField()
    read = serializers.IntegerField()
    posted = serializers.IntegerField()
    already_there = serializers.IntegerField()
    rejected = serializers.IntegerField()
    reasons = serializers.DictField(child=serializers.IntegerField())
    error_file = serializers.CharField(allow_null=True)
    seconds = serializers.FloatField()
    alike = AlikeSerializer(many=True)


class WithdrawalSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=2000)


class WithdrawnSerializer(BatchSerializer):
    """The batch, and the later ones that reported its lines as there already and must be imported again."""

    import_again = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta(BatchSerializer.Meta):
        fields = (*BatchSerializer.Meta.fields, "import_again")
        read_only_fields = fields


class BatchFilter(FilterSet):
    class Meta:
        model = ImportBatch
        fields = {"state": ["exact"], "source": ["exact"], "profile": ["exact"], "created_by": ["exact"]}


class ImportViewSet(mixins.RetrieveModelMixin, ListedViewSet):
    """Batches the caller loaded; all of them for those who see every account."""

    serializer_class = BatchSerializer
    filterset_class = BatchFilter
    ordering_fields = {"id": "pk", "created_at": "created_at", "posted_at": "posted_at", "read": "read"}
    queryset = ImportBatch.objects.none()

    def get_queryset(self) -> QuerySet[ImportBatch]:
        return ImportBatch.objects.visible_to(self.request.user)

    def get_parsers(self) -> list[Any]:
        """A file comes as a form, everything else as JSON."""
        method = (getattr(self.request, "method", None) or "").lower()
        is_create = bool(self.action_map) and self.action_map.get(method) == "create"
        return [MultiPartParser()] if is_create else super().get_parsers()

    @extend_schema(
        description="Send one file. 202 with its address while a worker posts it; with `wait` 201 once it is posted;"
        " with `dry_run` 200 with the counts and whom new customers resemble, and nothing is left; send the file again with"
        " `books` to have their rows booked on the accounts that are there.",
        request={"multipart/form-data": FileSerializer},
        responses={200: DryRunSerializer, 201: BatchSerializer, 202: BatchSerializer},
    )
    @idempotent(atomic=False)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        _check_form(request)
        form = FileSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        upload, options = form.validated_data["file"], form.options()
        if form.validated_data["dry_run"]:
            return Response(_dry_run(upload, options, request))
        if form.validated_data["wait"] and upload.size <= POSTED_IN_REQUEST:
            with _on_disk(upload) as path:
                result = services.import_file(path=path, options=options, user=request.user, file_name=upload.name)
            return self._at(ImportBatch.objects.get(pk=result.batch), status.HTTP_201_CREATED)
        return self._at(_queued(upload, options, request), status.HTTP_202_ACCEPTED)

    def _at(self, batch: ImportBatch, code: int) -> Response:
        return Response(self.get_serializer(batch).data, status=code, headers={"Location": self.location_of(batch)})

    @extend_schema(
        description="The rejected rows as they came, marked with `_batch`, `_row` and the reasons; correct and send again.",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, CsvRenderer])
    def errors(self, request: Request, *args: Any, **kwargs: Any) -> FileResponse:
        batch = self.get_object()
        if not batch.error_file or not batch.error_file.storage.exists(batch.error_file.name):
            raise NotFound(_("No row of this batch was rejected."))
        name = f"import-{batch.pk}-errors.csv"
        return FileResponse(batch.error_file.open("rb"), as_attachment=True, filename=name, content_type="text/csv")

    @extend_schema(
        description="Take a posted batch out of the figures, with a reason. Its lines stay, but count no more.",
        request=WithdrawalSerializer,
        responses={200: WithdrawnSerializer},
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = WithdrawalSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        batch = self.get_object()
        batch.import_again = services.withdraw_batch(
            batch=batch, reason=form.validated_data["reason"], user=request.user
        )
        return Response(WithdrawnSerializer(batch, context=self.get_serializer_context()).data)


def _check_form(request: Request) -> None:
    """Texts of a form reach the database too."""
    for name, values in request.data.lists():
        if name not in request.FILES and any(UNSTORABLE.search(value) for value in (name, *values)):
            raise ValidationError({name: [_("Null characters and lone surrogates cannot be stored.")]})


def _queued(upload: UploadedFile, options: ImportOptions, request: Request) -> ImportBatch:
    """A batch that a worker will post. What cannot be read is refused here, and neither row nor file stays."""
    batch = None
    try:
        with transaction.atomic():
            batch = services.create_batch(upload=upload, file_name=upload.name, user=request.user, options=options)
            services.set_options(batch=batch, options=options)
            services.queue_batch(batch=batch)
    except Exception:
        if batch is not None and batch.upload:
            batch.upload.storage.delete(batch.upload.name)
        raise
    return batch


def _dry_run(upload: UploadedFile, options: ImportOptions, request: Request) -> dict[str, Any]:
    with _on_disk(upload) as path:
        result = services.import_file(
            path=path, options=options, user=request.user, dry_run=True, file_name=upload.name
        )
    if result.error_file:
        Path(result.error_file).unlink(missing_ok=True)
    alike = _alike(result.alike, viewer=request.user)
    return DryRunSerializer({**result.to_json(), "error_file": None, "alike": alike}).data


def _alike(found: list[dict[str, Any]], *, viewer: User) -> list[dict[str, Any]]:
    """Whom new customers resemble, masked where ``viewer`` may not open that account. Three statements."""
    known = matches_of([(one["id"], one["score"]) for one in found], viewer=viewer)
    return [{**one, "account": replace(known[one["id"]], score=one["score"])} for one in found if one["id"] in known]


def _json(text: str, *, refusal: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise serializers.ValidationError(refusal) from error


@contextmanager
def _on_disk(upload: UploadedFile) -> Iterator[Path]:
    """The upload as a file with its own suffix; small ones lie in memory until here."""
    if hasattr(upload, "temporary_file_path"):
        yield Path(upload.temporary_file_path())
        return
    with tempfile.NamedTemporaryFile(suffix=kept_suffix(upload.name or "")) as file:
        for piece in upload.chunks():
            file.write(piece)
        file.flush()
        yield Path(file.name)
