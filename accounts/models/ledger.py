from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.enums import ContractStatus, RateKind, RecognitionMethod, RevenueBasis, RevenueKind
from accounts.models.base import CurrencyField, MoneyField, TimeStamped, WordsField
from accounts.querysets import CountingRevenueManager, RevenueQuerySet
from accounts.validators import check_contract_covers_milestones


class Product(TimeStamped):
    code = WordsField(_("code"), max_length=64, unique=True)
    name = WordsField(_("name"), max_length=200, blank=True)
    category = WordsField(_("category"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=~Q(code=""), name="product_code_given")]
        indexes = [models.Index(fields=["category"], name="product_category")]

    def __str__(self) -> str:
        return self.name or self.code


class Contract(TimeStamped):
    """What was agreed with an account: signed from ``signed_on`` on (``starts_on`` where nobody said), in force on the days
    of its term before ``cancelled_on``.

    A contract that has milestones is recognised when they are accepted, one without them in a straight line; there is no
    field for it that could say otherwise.
    """

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.PROTECT, related_name="contracts"
    )
    number = WordsField(pgettext_lazy("of a contract", "number"), max_length=64, unique=True)
    title = WordsField(_("title"), max_length=200, blank=True)
    amount = MoneyField(_("amount"), null=True, blank=True)
    currency = CurrencyField(_("currency"), blank=True)
    signed_on = models.DateField(_("signed on"), null=True, blank=True)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True, help_text=_("Last day of the contract."))
    status = models.CharField(_("status"), max_length=10, choices=ContractStatus, default=ContractStatus.DRAFT)
    cancelled_on = models.DateField(
        _("cancelled on"),
        null=True,
        blank=True,
        help_text=_(
            "First day on which a cancelled contract is no longer in force; what was not delivered ends with it."
        ),
    )
    non_renewal_notice_on = models.DateField(
        _("notice of non-renewal on"),
        null=True,
        blank=True,
        help_text=_("Day on which the customer said in writing that it will not renew."),
    )

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = [F("starts_on").desc(nulls_last=True), "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(number=""), name="contract_number_given"),
            models.CheckConstraint(condition=Q(status__in=ContractStatus.values), name="contract_status_known"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | ~Q(currency=""),
                name="contract_currency_given",
                violation_error_message=_("An amount needs its currency."),
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(starts_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="contract_ends_after_start",
                violation_error_message=_("The contract ends before it starts."),
            ),
            models.CheckConstraint(
                condition=Q(cancelled_on__isnull=True) | Q(status=ContractStatus.CANCELLED),
                name="contract_cancelled_by_status",
                violation_error_message=_("Only a cancelled contract has a day of cancellation; set its status too."),
            ),
            models.CheckConstraint(
                condition=Q(cancelled_on__isnull=True)
                | Q(signed_on__isnull=True)
                | Q(cancelled_on__gte=F("signed_on")),
                name="contract_cancelled_after_signing",
                violation_error_message=_("The contract is cancelled before it was signed."),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.number

    def clean(self) -> None:
        check_contract_covers_milestones(self)

    @property
    def recognition(self) -> RecognitionMethod:
        """Reads the milestones: prefetch them for a list."""
        return RecognitionMethod.MILESTONES if self.milestones.all() else RecognitionMethod.STRAIGHT_LINE


class RevenueRecord(models.Model):
    """One money movement of one account. Rows are added, never edited; a trigger sees to it."""

    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="revenue_records", db_index=False
    )
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    contract = models.ForeignKey(
        Contract, null=True, on_delete=models.PROTECT, related_name="revenue_records", db_index=False
    )
    booked_on = models.DateField(_("booked on"))
    kind = models.CharField(_("kind"), max_length=12, choices=RevenueKind, default=RevenueKind.INVOICE)
    basis = models.CharField(_("basis"), max_length=10, choices=RevenueBasis, default=RevenueBasis.INVOICED)
    reference = models.CharField(_("reference"), max_length=64, blank=True, help_text=_("Invoice or order number."))
    credits_reference = models.CharField(
        _("credits the document"),
        max_length=64,
        null=True,
        help_text=_("Of a credit note: the reference of the original of the same account."),
    )
    external_id = models.CharField(_("external id"), max_length=120, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=19, decimal_places=6, null=True)
    unit_price = models.DecimalField(_("unit price"), max_digits=19, decimal_places=6, null=True)
    amount = MoneyField(_("amount"), help_text=_("Signed; credit notes are below zero."))
    cost = MoneyField(_("cost"), null=True, help_text=_("Empty: not known, which is not zero."))
    currency = CurrencyField(_("currency"))
    source = models.CharField(_("source"), max_length=60)
    identity = models.BinaryField(
        max_length=16, help_text="Hash of the normalised content; a second import of it changes nothing."
    )
    source_row = models.PositiveIntegerField(_("row in the file"), null=True)
    batch = models.ForeignKey(
        "accounts.ImportBatch", on_delete=models.PROTECT, related_name="records", verbose_name=_("batch")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, help_text=_("Empty: the row counts."))

    objects = CountingRevenueManager()
    all_objects = RevenueQuerySet.as_manager()

    class Meta:
        verbose_name = _("revenue record")
        verbose_name_plural = _("revenue records")
        ordering = ["-booked_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "identity"], condition=Q(withdrawn_at__isnull=True), name="revenue_identity_once"
            ),
            models.CheckConstraint(condition=~Q(currency=""), name="revenue_currency_given"),
            models.CheckConstraint(condition=~Q(credits_reference=""), name="revenue_credits_given_or_null"),
            models.CheckConstraint(condition=Q(kind__in=RevenueKind.values), name="revenue_kind_known"),
            models.CheckConstraint(condition=Q(basis__in=RevenueBasis.values), name="revenue_basis_known"),
        ]
        indexes = [
            models.Index(fields=["account", "booked_on"], name="revenue_account_day"),
            models.Index(
                fields=["account"],
                condition=Q(kind=RevenueKind.CREDIT_NOTE, withdrawn_at__isnull=True),
                name="revenue_credit_notes",
            ),
            models.Index(
                fields=["contract", "booked_on"],
                condition=Q(basis=RevenueBasis.RECOGNISED, contract__isnull=False, withdrawn_at__isnull=True),
                name="revenue_recognised_contract",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.reference} {self.amount} {self.currency}"


class ExchangeRate(TimeStamped):
    """Units of ``to_currency`` for one unit of ``from_currency`` on a day."""

    from_currency = CurrencyField(_("from currency"))
    to_currency = CurrencyField(_("to currency"))
    valid_on = models.DateField(_("date"), help_text=_("For a month average, the first day of the month."))
    rate = models.DecimalField(_("rate"), max_digits=20, decimal_places=10)
    kind = models.CharField(_("kind"), max_length=14, choices=RateKind, default=RateKind.SPOT)
    source = models.CharField(_("source"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ["-valid_on", "from_currency", "to_currency", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["from_currency", "to_currency", "kind", "valid_on"], name="rate_once_a_day"
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="rate_above_zero"),
            models.CheckConstraint(condition=~Q(from_currency=F("to_currency")), name="rate_between_two_currencies"),
            models.CheckConstraint(condition=Q(kind__in=RateKind.values), name="rate_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.from_currency}→{self.to_currency} {self.valid_on}: {self.rate}"
