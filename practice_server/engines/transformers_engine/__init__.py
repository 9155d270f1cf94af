"""Any causal language model in a Hugging Face folder: train it or an adapter of it, and ask it."""

import logging

# While it is imported, it says what could be installed besides.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
