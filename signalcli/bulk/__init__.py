"""Many rows through one operation of an app: batches, checkpoints, outcomes."""
