"""Django, set up for the tests that ask it: a database and an app of their own."""

import django
from django.apps import AppConfig
from django.apps.registry import Apps
from django.conf import settings
from django.db import connections

ALIAS = "dbtest"
LABEL = "dbtest"

if not settings.configured:
    settings.configure(DEBUG=True)  # as the other tests that ask Django
django.setup()
# A database of its own, whoever configured Django in this process.
connections.settings[ALIAS] = connections.configure_settings(
    {"default": {}, ALIAS: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
)[ALIAS]

# And an app of its own: only an installed app's models are found when dependants are collected.
APPS = Apps([type("Config", (AppConfig,), {"label": LABEL, "path": "."})(LABEL, None)])
