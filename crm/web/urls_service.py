"""Addresses below /service/; what belongs to one account stands below /accounts/."""

from django.urls import path

from crm.web import account_service, files, service, service_requests

app_name = "service"
urlpatterns = [
    path("", service.index, name="index"),
    path("requests/<int:pk>/", service_requests.detail, name="request"),
    path("requests/<int:pk>/change/", service_requests.change, name="request_change"),
    path("requests/<int:pk>/respond/", service_requests.respond, name="request_respond"),
    path("requests/<int:pk>/escalate/", service_requests.escalate, name="request_escalate"),
    path("requests/<int:pk>/resolve/", service_requests.resolve, name="request_resolve"),
    path("requests/<int:pk>/reopen/", service_requests.reopen, name="request_reopen"),
    path("interactions/<int:pk>/", account_service.edit_interaction, name="interaction"),
    path("interactions/<int:pk>/delete/", account_service.delete_interaction, name="interaction_delete"),
    path("interactions/<int:pk>/done/", account_service.finish_step, name="step_done"),
    path("attachments/<int:pk>/remove/", files.remove, name="attachment_remove"),
    path("sponsors/<int:pk>/end/", account_service.end_sponsor, name="sponsor_end"),
    path("discounts/<int:pk>/approve/", account_service.approve_discount, name="discount_approve"),
]
