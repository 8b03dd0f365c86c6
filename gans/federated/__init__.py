"""Federated training: sites that hold rows of one schema, and share statistics and networks only."""
