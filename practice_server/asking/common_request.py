"""What every request for an answer may ask for, whether it comes as a chat or as a text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from practice_server.engines.engine import Sampling
from practice_server.store.catalogue import Catalogue, Model
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields

MOST_CHOICES = 128
MOST_STOPS = 4
MOST_TOKENS = 1_000_000
LARGEST_SEED = 2**63 - 1
DRAWING = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")

# Reads the field of this name; raises ApiError if it is not sound.
Check = Callable[[Fields, str], Any]


@dataclass(frozen=True)
class AnswerRequest:
    """A checked request; absent numbers have the service's defaults."""

    model: Model
    sampling: Sampling
    n: int
    stop: list[str]
    stream: bool
    include_usage: bool

    def common_question(self, number: int) -> dict[str, Any]:
        """What the answering child is asked, whatever it is to answer: see `answering`.

        With a seed, each `number`, from 0, gives another answer.
        """
        seed = None if self.sampling.seed is None else self.sampling.seed + number
        sampling = asdict(replace(self.sampling, seed=seed))
        return {"folder": str(self.model.folder), "sampling": sampling, "stop": self.stop}


def check_fields(
    fields: Fields,
    read: Collection[str],
    only_checked: Mapping[str, Check],
    unsupported: Mapping[str, Collection[Any]],
) -> None:
    """Raises ApiError (400) for what the API does not know or this server cannot do.

    `read` are the fields that the caller reads, `only_checked` those that must only be sound, each
    with the function that reads it; for `unsupported` see `Fields.refuse_unsupported`.
    """
    fields.refuse_unknown({*read, *only_checked, *unsupported})
    fields.refuse_unsupported(unsupported)
    for name, check in only_checked.items():
        check(fields, name)


def invalid_value(place: str, value: Any, supported: Collection[str]) -> ApiError:
    """The error to raise for a value that is none of those; `place` is that of its field."""
    known = ", ".join(f"'{name}'" for name in supported)
    message = f"Invalid value: {value!r}. Supported values are: {known}."
    return ApiError(400, message, param=place, code="invalid_value")


def read_model(fields: Fields, catalogue: Catalogue, owner: str) -> Model:
    name = fields.text("model", required=True)
    model = catalogue.find(name, owner)
    if model is None:
        message = f"The model `{name}` does not exist or you do not have access to it."
        message += catalogue.advice(name)
        raise ApiError(404, message, code="model_not_found")
    return model


def read_sampling(fields: Fields, max_tokens: int | None, top_logprobs: int | None) -> Sampling:
    """How tokens are drawn, from the fields that are called DRAWING."""
    return Sampling(
        max_tokens,
        temperature=fields.number("temperature", 0, 2, 1.0),
        top_p=fields.number("top_p", 0, 1, 1.0),
        seed=fields.integer("seed", -LARGEST_SEED, LARGEST_SEED),
        top_logprobs=top_logprobs,
        presence_penalty=fields.number("presence_penalty", -2, 2, 0.0),
        frequency_penalty=fields.number("frequency_penalty", -2, 2, 0.0),
    )


def read_stop(fields: Fields) -> list[str]:
    stop = fields.value("stop", [])
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(text, str) for text in stops):
        raise fields.refuse("stop", "It is not a string or a list of strings")
    if len(stops) > MOST_STOPS:
        raise fields.refuse("stop", f"It has more than {MOST_STOPS} sequences")
    return stops


def read_include_usage(fields: Fields, stream: bool) -> bool:
    options = fields.object("stream_options")
    if options is None:
        return False
    if not stream:
        raise fields.refuse("stream_options", "It is only allowed when 'stream' is true")
    options.refuse_unknown(("include_usage", "include_obfuscation"))
    options.truth("include_obfuscation")
    return options.truth("include_usage")
