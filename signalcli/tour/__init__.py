"""The tour: short lessons on signals, each a real command on a scratch database."""
