from django.contrib import admin
from django.urls import include, path

from crm.admin_versions import carry_versions
from crm.web.health import healthz, readyz

carry_versions(admin.site)

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/", include("crm.api.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("crm.web.urls")),
]

handler400 = "crm.web.errors.bad_request"
handler403 = "crm.web.errors.no_right"
handler404 = "crm.web.errors.not_found"
handler500 = "crm.web.errors.server_error"
