"""The signal log: the traces of runs, kept in the database that they worked on."""
