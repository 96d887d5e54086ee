"""Apps: packages of models, signals and receivers, made ready as Django makes them."""

from signalcli.apps.config import AppConfig
from signalcli.apps.errors import AmbiguousModel, ImproperlyConfigured, ModelNotFound
from signalcli.apps.registry import Apps, apps

__all__ = [
    "AmbiguousModel",
    "AppConfig",
    "Apps",
    "ImproperlyConfigured",
    "ModelNotFound",
    "apps",
]
