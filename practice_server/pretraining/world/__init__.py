"""The small closed world that `pocket` is pretrained on, in English and in Chinese."""
