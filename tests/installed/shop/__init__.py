"""A shop: an app that is not the demo, with models of every kind."""
