"""Objects of any model, made and changed by text: what a command line says of them."""
