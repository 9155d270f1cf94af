"""The practice server: OpenAI's fine-tuning API on this machine, with real training."""
