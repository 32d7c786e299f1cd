"""Built-in profiles: mappings whose columns are known by name, and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accounts.imports.fields import FIELDS, TECHNICAL
from accounts.imports.mapping import Mapping
from accounts.imports.unreadable import Unreadable

FACET = "facet"
ONLINE_RETAIL = "online-retail"


@dataclass(frozen=True, slots=True)
class Profile:
    """``columns`` lists, per field, the spellings of its header; ``required`` the sets of fields of which one must be there."""

    name: str
    columns: dict[str, tuple[str, ...]]
    required: tuple[frozenset[str], ...]
    defaults: dict[str, str] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)

    def found_in(self, header: Sequence[str]) -> dict[str, str]:
        """Field → the header's own spelling, for every field of the profile that is there."""
        by_name = {column.casefold(): column for column in header if column}
        return {
            key: by_name[spelling.casefold()]
            for key, spellings in self.columns.items()
            for spelling in spellings
            if spelling.casefold() in by_name
        }

    def fits(self, header: Sequence[str]) -> bool:
        return any(needed <= set(self.found_in(header)) for needed in self.required)

    def missing_in(self, header: Sequence[str]) -> list[str]:
        """The first spellings of the required columns that are not there."""
        found = set(self.found_in(header))
        needed = min(self.required, key=lambda keys: len(keys - found))
        return [self.columns[key][0] for key in self.columns if key in needed - found]

    def mapping_for(self, header: Sequence[str]) -> Mapping:
        """Raises Unreadable("profile_columns") naming what is missing."""
        if not self.fits(header):
            raise Unreadable(
                "profile_columns", name=self.name, missing=", ".join(self.missing_in(header)), found=listed(header)
            )
        return Mapping(name=self.name, columns=self.found_in(header), defaults=dict(self.defaults), **self.options)  # type: ignore[arg-type]


PROFILES: dict[str, Profile] = {
    FACET: Profile(
        FACET,
        columns={key: (key,) for key in FIELDS},
        required=(
            frozenset({"account_code", "booked_on", "amount"}),
            frozenset({"account_code", "booked_on", "quantity", "unit_price"}),
        ),
        options={"decimal": ".", "thousands": "", "is_export": True},
    ),
    ONLINE_RETAIL: Profile(
        ONLINE_RETAIL,
        columns={
            "reference": ("Invoice", "InvoiceNo"),
            "product_code": ("StockCode",),
            "product_name": ("Description",),
            "quantity": ("Quantity",),
            "booked_on": ("InvoiceDate",),
            "unit_price": ("Price", "UnitPrice"),
            "account_code": ("Customer ID", "CustomerID"),
            "country": ("Country",),
        },
        required=(
            frozenset(
                {
                    "reference", "product_code", "product_name", "quantity", "booked_on", "unit_price",
                    "account_code", "country",
                }
            ),
        ),
        defaults={"currency": "GBP"},
        options={
            "decimal": ".",
            "credit_note_prefix": "C",
            "identity": ("reference", "product_code", "quantity", "booked_on", "unit_price", "account_code"),
        },
    ),
}  # fmt: skip


def listed(header: Sequence[str]) -> str:
    """The columns found, as a refusal names them."""
    return ", ".join(column[:40] for column in header[:40] if column) + (" …" if len(header) > 40 else "")


def profile_named(name: str) -> Profile:
    try:
        return PROFILES[name]
    except KeyError:
        raise Unreadable("unknown_profile", name=name, names=", ".join(PROFILES)) from None


def fitting_profile(header: Sequence[str]) -> Profile:
    """The one profile whose required columns are all there. Raises Unreadable with the columns found."""
    columns = [column for column in header if column not in TECHNICAL]
    fitting = [profile for profile in PROFILES.values() if profile.fits(columns)]
    if not fitting:
        raise Unreadable("no_profile", found=listed(columns))
    if len(fitting) > 1:
        raise Unreadable("several_profiles", names=", ".join(profile.name for profile in fitting))
    return fitting[0]
