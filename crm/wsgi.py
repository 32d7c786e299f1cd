import os

from django.core.wsgi import get_wsgi_application

from crm.roles import take_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

application = get_wsgi_application()
take_role("web")
