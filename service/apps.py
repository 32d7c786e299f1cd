from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServiceConfig(AppConfig):
    name = "service"
    verbose_name = _("Service")

    def ready(self) -> None:
        from django.db.models.signals import post_delete

        from accounts.signals import accounts_merged
        from service import attachments, mails, merges
        from service.models import Attachment, IncomingMail

        accounts_merged.connect(merges.accounts_merged, dispatch_uid="service.merges")
        post_delete.connect(attachments.forget_bytes, sender=Attachment, dispatch_uid="service.attachments")
        post_delete.connect(mails.forget_bytes, sender=IncomingMail, dispatch_uid="service.mails")
