"""Where metrics go: the terminal, a JSON-lines file, Weights & Biases."""
