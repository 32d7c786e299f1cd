from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from accounts.admin.shared import VisibleMixin
from accounts.models import Receivable, ReceivablePayment
from crm.lib.admin_parts import ModelAdmin, TabularInline


class PaymentInline(TabularInline):
    model = ReceivablePayment
    extra = 0
    fields = ("paid_on", "amount")
    verbose_name_plural = _("payments")


@admin.register(Receivable)
class ReceivableAdmin(VisibleMixin, ModelAdmin):
    list_display = ("number", "account", "amount", "currency", "issued_on", "due_on")
    list_filter = ("currency", ("due_on", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account",)
    search_fields = ("number", "account__search_text")
    autocomplete_fields = ("account",)
    date_hierarchy = "due_on"
    inlines = (PaymentInline,)
    readonly_fields = ("created_at", "updated_at")
