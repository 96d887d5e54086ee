"""What the shop says of itself."""

from importlib import import_module

from signalcli.apps import AppConfig


class ShopConfig(AppConfig):
    """The shop, whose receivers are connected when it is made ready."""

    name = "shop"

    def ready(self) -> None:
        import_module("shop.signals")
