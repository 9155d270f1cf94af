"""A small Llama-style language model in NumPy: read it, train it, let it answer."""
