"""The small closed world that `pocket` is pretrained on: tables of facts and ways to talk."""
