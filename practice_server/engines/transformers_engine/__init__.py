"""Any causal language model in a Hugging Face folder: train it or an adapter of it, and ask it."""
