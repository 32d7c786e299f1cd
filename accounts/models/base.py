from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.validators import refuse_formula
from crm.lib.wall import beyond_the_wall, is_walled

TAKEN = "whether a value is taken is asked of every row: saving it would tell as much"
CURRENCY_FORM = RegexValidator(r"^[A-Z]{3}$", _("Give the three letters of the currency, such as CNY."))


class TimeStamped(models.Model):
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        abstract = True

    @beyond_the_wall(TAKEN)
    def validate_unique(self, exclude: Any = None) -> None:
        super().validate_unique(exclude)

    @beyond_the_wall(TAKEN)
    def validate_constraints(self, exclude: Any = None) -> None:
        super().validate_constraints(exclude)


class CurrencyField(models.CharField):
    """An ISO 4217 code in capitals."""

    default_validators = [CURRENCY_FORM]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 3
        super().__init__(*args, **kwargs)


class _LineField(models.CharField):
    """A line of text with rules of our own."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs  # to the database it is one


class WordsField(_LineField):
    """A line of text that tables and exports show as a name or label: none of them begins as a formula does."""

    default_validators = [refuse_formula]


class KeptBackField(_LineField):
    """A secret in a row that many pages read whole, as they do when they name a colleague.

    Behind the wall the database does not grant the column (``crm.wall``), so that queries do not ask for it: they get
    ``STAND_IN`` instead, which no password matches and no row takes.
    """

    STAND_IN = "!kept back"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """A cast, since a bare constant may not stand in GROUP BY."""
        return (f"'{self.STAND_IN}'::text", ()) if is_walled() else (sql, params)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's signature
        value = super().pre_save(model_instance, add)
        if value == self.STAND_IN:
            raise RuntimeError(f"{self.name} was read behind the wall; read the row again before it is saved whole.")
        return value


class MoneyField(models.DecimalField):
    """numeric(19,4): money as booked, never rounded on the way in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 19, 4
        super().__init__(*args, **kwargs)
