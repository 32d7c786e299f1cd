"""Addresses below /tasks/."""

from django.urls import path

from crm.web import tasks_page

app_name = "tasks"
urlpatterns = [
    path("", tasks_page.index, name="index"),
    path("new/", tasks_page.write, name="write"),
    path("<int:pk>/", tasks_page.change, name="change"),
    path("<int:pk>/done/", tasks_page.finish, name="finish"),
]
