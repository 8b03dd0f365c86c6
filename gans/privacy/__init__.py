"""Differential privacy: the declared domain, the ledger, the mechanisms, and the rows that only they see."""
