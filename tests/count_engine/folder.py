"""The files of a model of counts, looked at by the API process too."""

from practice_server.engines.model_folder import read_json

FILES = ("config.json", "counts.json")


def check(folder):
    read_json(folder / "config.json")["context"]
    read_json(folder / "counts.json")["counts"]
