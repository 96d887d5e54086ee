"""Apps: packages of models, signals and receivers, made ready as Django makes them."""

from signalcli.apps.config import AppConfig, ImproperlyConfigured
from signalcli.apps.registry import AmbiguousModel, Apps, ModelNotFound, apps

__all__ = [
    "AmbiguousModel",
    "AppConfig",
    "Apps",
    "ImproperlyConfigured",
    "ModelNotFound",
    "apps",
]
