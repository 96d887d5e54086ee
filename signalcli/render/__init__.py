"""Traces, answers and errors as something to look at or to parse."""
