"""URLs of the console."""

from django.urls import path

from console import accounts, bell, views

app_name = "console"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("sign-in/", accounts.sign_in, name="sign_in"),
    path("sign-out/", accounts.sign_out, name="sign_out"),
    path("account/", accounts.account, name="account"),
    path("bell/", bell.bell, name="bell"),
    path("account/time-zone/", accounts.time_zone, name="time_zone"),
    path("theme/", views.theme, name="theme"),
    path("api-keys/", views.ApiKeyList.as_view(), name="api_keys"),
    path("api-keys/new/", views.api_key_create, name="api_key_create"),
    path("api-keys/<int:pk>/take-over/", views.api_key_take_over, name="api_key_take_over"),
    path("api-keys/<int:pk>/revoke/", views.api_key_revoke, name="api_key_revoke"),
    path("audit/", views.AuditList.as_view(), name="audit"),
    path("jobs/<int:pk>/", views.job, name="job"),
    path("undo/<int:pk>/", views.undo, name="undo"),
    path("healthz", views.healthz, name="healthz"),
    path("healthz/full", views.healthz_full, name="healthz_full"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
