"""The forms of the import wizard: the file, how it is written, which column is which field."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.imports.fields import CURRENCIES, FIELDS
from accounts.imports.mapping import NAME_LENGTH
from accounts.imports.options import SOURCE_LENGTH, ImportOptions
from accounts.imports.selectors import FileFacts
from accounts.imports.styles import parse_by
from crm.web import formats
from crm.web.auth import dress

ENCODINGS = (("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("gb18030", "GB18030 / GBK"), ("big5", "Big5"), ("windows-1252", "Windows-1252"))  # fmt: skip
ENCODING_NAMES = dict(ENCODINGS) | {
    "utf-8-sig": "UTF-8 BOM",
    "big5hkscs": "Big5",
    "cp1252": "Windows-1252",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}
DELIMITERS = {",": gettext_lazy("comma ,"), ";": gettext_lazy("semicolon ;"), "\t": gettext_lazy("tab"), "|": gettext_lazy("bar |")}  # fmt: skip
DECIMALS = {".": "1,234.56", ",": "1.234,56"}
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d", "%Y年%m月%d日")
SHOWN_DAY = date(2024, 12, 31)
UNUSED = ""
UPLOAD_LIMIT = 500 * 1024**2


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.gz,.xlsx,.txt,text/csv"}),
        error_messages={
            "required": gettext_lazy("Choose a file first."),
            "empty": gettext_lazy("The file is empty. Send one with a header and rows."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > UPLOAD_LIMIT:
            raise forms.ValidationError(_("The file is larger than 500 MB. Split it, or import it by command."))
        return file


class ColumnsForm(forms.Form):
    """How the file is written, and a choice of field for each of its columns.

    Built for one file: ``facts`` are what was detected in it, ``based_on`` the profile or saved mapping it starts from.
    """

    # An open question must not keep the preview from being asked for; the server says what is missing.
    use_required_attribute = False

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), required=False)
    delimiter = forms.ChoiceField(label=gettext_lazy("Columns split by"), required=False)
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), required=False)
    decimal = forms.ChoiceField(label=gettext_lazy("Numbers"), required=False)
    date_formats = forms.ChoiceField(label=gettext_lazy("Dates"), required=False)
    currency = forms.CharField(label=gettext_lazy("Currency of rows without one"), max_length=3)
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=SOURCE_LENGTH,
        required=False,
        help_text=gettext_lazy("Rows sent twice are recognised within one source."),
    )
    credit_note_prefix = forms.CharField(
        label=gettext_lazy("Credit notes begin with"),
        max_length=8,
        required=False,
        help_text=gettext_lazy("In the reference; they count negative."),
    )
    create = forms.BooleanField(label=gettext_lazy("Create accounts and products that do not exist"), required=False)
    based_on = forms.CharField(required=False, max_length=NAME_LENGTH, widget=forms.HiddenInput)
    save_as = forms.CharField(label=gettext_lazy("Save this mapping as"), max_length=NAME_LENGTH, required=False)

    def __init__(self, *args: Any, facts: FileFacts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.facts = facts
        self._offer_formats()
        if facts.kind == "xlsx":
            del self.fields["encoding"], self.fields["delimiter"]
        if len(facts.sheets) < 2:
            del self.fields["sheet"]
        for at, column in enumerate(facts.columns):
            self.fields[f"column_{at}"] = forms.ChoiceField(label=column, choices=field_choices(), required=False)
        dress(self)
        for name in ("currency", "credit_note_prefix"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.fields["source"].widget.attrs["placeholder"] = facts.profile or facts.mapping["name"]

    def _offer_formats(self) -> None:
        facts = self.facts
        found_encoding = ENCODING_NAMES.get(facts.encoding, facts.encoding)
        self._choices("encoding", ENCODINGS, _detected(found_encoding))
        self._choices("delimiter", DELIMITERS.items(), _detected(str(DELIMITERS.get(facts.delimiter, facts.delimiter))))
        self._choices("sheet", [(sheet, sheet) for sheet in facts.sheets], _detected(facts.sheet))
        if facts.decimal.is_ambiguous:
            self._ask(
                "decimal", [(mark, _number_reading(facts.decimal.example, mark)) for mark in facts.decimal.choices]
            )
        else:
            self._choices(
                "decimal", DECIMALS.items(), _detected(DECIMALS.get(facts.decimal.value, facts.decimal.value))
            )
        if facts.dates.is_ambiguous:
            choices = [(name, _date_reading(facts.dates.example, name)) for name in facts.dates.choices]
            self._ask("date_formats", choices)
        else:
            found = [name.strip() for name in facts.dates.value.split(", ") if name.strip()]
            known = dict.fromkeys([*DATE_FORMATS, *found, *self._given("date_formats")])
            label = _detected(" · ".join(map(date_example, found))) if found else _("not seen yet")
            self._choices("date_formats", [(name, date_example(name)) for name in known], label)

    def _given(self, name: str) -> list[str]:
        value = (self.data.get(name) if self.is_bound else self.initial.get(name)) or ""
        return [value] if "%" in value and len(value) <= 40 else []

    def _choices(self, name: str, choices: Any, detected: str) -> None:
        self.fields[name].choices = [("", detected), *choices]  # type: ignore[attr-defined]

    def _ask(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Every cell fits two readings: the choice becomes a question that must be answered."""
        self.fields[name] = forms.ChoiceField(
            label=self.fields[name].label,
            choices=choices,
            widget=forms.RadioSelect,
            error_messages={"required": gettext_lazy("Choose the reading that is meant; nothing is guessed.")},
        )

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).strip().upper()
        if code not in CURRENCIES:
            raise forms.ValidationError(_("“%(code)s” is no currency code. Give one such as CNY.") % {"code": code})
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        taken: dict[str, str] = {}
        for name, field_key in self._column_choices(cleaned):
            if field_key in taken:
                message = _("“%(column)s” is that field already; one column for each field.")
                self.add_error(name, message % {"column": taken[field_key]})
            else:
                taken[field_key] = str(self.fields[name].label)
        return cleaned

    def _column_choices(self, cleaned: Mapping[str, Any]) -> list[tuple[str, str]]:
        names = [f"column_{at}" for at in range(len(self.facts.columns))]
        return [(name, cleaned[name]) for name in names if cleaned.get(name)]

    def chosen_columns(self) -> dict[str, str]:
        """Field → column, as chosen."""
        chosen = {key: str(self.fields[name].label) for name, key in self._column_choices(self.cleaned_data)}
        return {key: chosen[key] for key in FIELDS if key in chosen}

    def missing(self) -> list[str]:
        """Required fields that have no column yet."""
        given = set(self.chosen_columns()) | {key for key, text in self.facts.mapping["defaults"].items() if text}
        wanted = [key for key in ("account_code", "booked_on") if key not in given]
        has_amount = "amount" in given or {"quantity", "unit_price"} <= given
        return wanted if has_amount else [*wanted, "amount"]

    def options(self) -> ImportOptions:
        """What the services take. A profile or saved mapping that was not changed keeps its name and its rules."""
        cleaned, based_on = self.cleaned_data, self.cleaned_data.get("based_on", "")
        date_format = cleaned.get("date_formats") or ""
        told = ImportOptions(
            currency=cleaned["currency"],
            source=cleaned.get("source", ""),
            create=cleaned["create"],
            decimal=cleaned.get("decimal", ""),
            encoding=cleaned.get("encoding", ""),
            delimiter=cleaned.get("delimiter", ""),
            sheet=cleaned.get("sheet", ""),
            date_formats=(date_format,) if date_format else (),
            credit_note_prefix=cleaned.get("credit_note_prefix", ""),
        )
        columns = self.chosen_columns()
        if based_on and columns == self.facts.mapping["columns"]:
            return told.changed(profile=based_on)
        return told.changed(mapping=self.definition(), mapping_name=based_on or "mapping")

    def definition(self) -> dict[str, Any]:
        """The mapping as a mapping file has it."""
        cleaned = self.cleaned_data
        definition = {**self.facts.mapping, "columns": self.chosen_columns()}
        if cleaned.get("date_formats"):
            definition["date_formats"] = [cleaned["date_formats"]]
        for name in ("decimal", "encoding", "delimiter", "credit_note_prefix"):
            if cleaned.get(name):
                definition[name] = cleaned[name]
        definition["defaults"] = {**definition["defaults"], "currency": cleaned["currency"]}
        return definition


def initial_of(facts: FileFacts, options: ImportOptions, *, based_on: str) -> dict[str, Any]:
    """What the form shows first: what was detected or chosen before."""
    by_column = {column: key for key, column in facts.mapping["columns"].items()}
    columns = {f"column_{at}": by_column.get(column, UNUSED) for at, column in enumerate(facts.columns)}
    return columns | {
        "currency": facts.currency,
        "source": options.source,
        "create": options.create,
        "encoding": options.encoding,
        "delimiter": options.delimiter,
        "sheet": options.sheet,
        "decimal": options.decimal,
        "date_formats": options.date_formats[0] if options.date_formats else "",
        "credit_note_prefix": options.credit_note_prefix or facts.mapping["credit_note_prefix"],
        "based_on": based_on,
    }


def reading_options(data: QueryDict) -> ImportOptions:
    """How to open the file, from a form that is not checked yet; unknown words are left to the reader's own finding."""
    encoding, delimiter = data.get("encoding", ""), data.get("delimiter", "")
    return ImportOptions(
        encoding=encoding if encoding in dict(ENCODINGS) else "",
        delimiter=delimiter if delimiter in DELIMITERS else "",
        sheet=data.get("sheet", ""),
    )


def field_choices() -> list[Any]:
    """The fields, grouped as people think of them; the first choice leaves a column out."""
    groups = (
        (_("Needed"), ("account_code", "booked_on", "amount", "quantity", "unit_price")),
        (
            _("Document"),
            ("reference", "credits_reference", "external_id", "kind", "basis", "currency", "cost", "contract_number"),
        ),
        (_("Product"), ("product_code", "product_name", "product_category")),
        (
            _("Account"),
            ("account_name", "parent_code", "country", "region", "segment", "industry", "channel", "dealer_code"),
        ),
    )
    return [
        (UNUSED, _("not used")),
        *((name, [(key, str(FIELDS[key].label).capitalize()) for key in keys]) for name, keys in groups),
    ]


def date_example(name: str) -> str:
    """A format as the last day of a year, on which day and month cannot be mixed up."""
    try:
        return SHOWN_DAY.strftime(name)
    except ValueError:
        return name


def _date_reading(example: str, name: str) -> str:
    """An ambiguous date spelled out by one format: 01/02/2026 is 1 Feb 2026 or 2 Jan 2026."""
    found = parse_by(name, example)
    return (
        _("%(example)s is %(day)s") % {"example": example, "day": formats.day(found)} if found else date_example(name)
    )


def _detected(value: str) -> str:
    return _("%(value)s (found)") % {"value": value}


def _number_reading(example: str, mark: str) -> str:
    """An ambiguous number spelled out: 1,234 is one thousand or one and a bit."""
    other = "," if mark == "." else "."
    meant = example.replace(other, "").replace(mark, ".")
    return _("%(example)s is %(meant)s") % {"example": example, "meant": meant}
