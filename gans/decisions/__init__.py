"""What synthetic customers are for: segments of them, and the five uses, each beside real rows alone."""
