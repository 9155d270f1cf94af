"""Holding an answer to its form: a grammar says which tokens may come next.

Only the answering child imports this, when a request first has a form. `form` is an
`AnswerForm` as the child is told of it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import tiktoken
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from llguidance.tiktoken import lltokenizer_from_encoding

from practice_server.engines.engine import CallForm, Mask, MaskUnusable, Tokenizer

Form = dict[str, Any]

ANY_TEXT = "/(?s:.*)/"

# JSON stands on one line. After a comma or colon there may be one space: were any number of spaces
# allowed, a small model would go on with them for ever.
SPACES = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
LIMITS = LLParserLimits(max_lexer_states=50_000, max_grammar_size=100_000, verbose_errors=False)
MOST_SECONDS = 5
# Schemas that refer to each other in a long chain take a stack deeper than the usual one.
STACK_BYTES = 64 * 1024 * 1024
LONGEST_REASON = 200


class GrammarMask:
    """Implements `practice_server.engines.engine.Mask` for one answer."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def allowed(self) -> bytes:
        """See `Mask.allowed`; a form may turn out to be too large in the middle of an answer."""
        bits = self._matcher.compute_bitmask()
        if self._matcher.is_error():
            raise MaskUnusable(_reason(self._matcher))
        return bits

    def take(self, token: int) -> None:
        self._matcher.consume_token(token)


def mask_of(tokenizer: Tokenizer, form: Form) -> Mask:
    """The mask for an answer of this form. Raises MaskUnusable."""
    if tokenizer.encoding is None:
        raise MaskUnusable("this model's answers cannot be held to a form")
    vocabulary = _vocabulary(tokenizer.encoding, tuple(tokenizer.ends))
    grammar = _grammar(form, tokenizer.call, vocabulary)
    return GrammarMask(_matcher(vocabulary, grammar).deep_copy())


def at_fault(tokenizer: Tokenizer, form: Form) -> dict[str, Any]:
    """The schema of a form that cannot be used: the first with which alone it goes wrong."""
    schemas = [function["parameters"] for function in form["functions"]]
    schemas = [form["text"], *schemas] if form["text"] else schemas
    for schema in schemas[:-1]:
        try:
            mask_of(tokenizer, {"text": schema, "functions": (), "must_call": False})
        except MaskUnusable:
            return schema
    return schemas[-1]


def _grammar(form: Form, call: CallForm | None, vocabulary: LLTokenizer) -> str:
    """In Lark's notation, with the library's `%json` for schemas and `<[7]>` for token 7."""
    text = _json(form["text"]["content"]) if form["text"] else ANY_TEXT
    if not form["functions"] or call is None:
        return f"start: {text}"

    def written(literal: str) -> str:
        return " ".join(_pieces(literal, vocabulary))

    functions = " | ".join(
        f"{written(function['name'] + call.between)} {_json(function['parameters']['content'])}"
        for function in form["functions"]
    )
    more = f"({written(call.following)} function)*" if form["parallel"] and call.following else ""
    # Beside calls there may be any text, but no text by a schema.
    after_text = not (form["text"] or form["must_call"] or call.gap is None)
    first, *rest = _pieces(call.before.lstrip() if after_text else call.before, vocabulary)
    # What is no token might be text too: as soon as it is there, it is the beginning of a call.
    lazy = "" if first.startswith("<") else "[lazy]"
    calls = f"begin {' '.join(rest)} function {more} {written(call.after)}"
    return (
        f"start: {calls if form['must_call'] else f'text | {calls}'}\n"
        f"begin{lazy}: {ANY_TEXT if after_text else ''} {first}\n"
        f"text: {text}\n"
        f"function: {functions}\n"
    )


def _pieces(literal: str, vocabulary: LLTokenizer) -> list[str]:
    """A literal text in the grammar's notation, cut where special tokens stand in it."""
    tokens = vocabulary.tokenize_str(literal, parse_special=True)
    special = {vocabulary.decode_str([t]): t for t in tokens if vocabulary.is_special_token(t)}
    texts = re.split(f"({'|'.join(map(re.escape, special))})", literal) if special else [literal]
    return [
        f"<[{special[text]}]>" if text in special else json.dumps(text, ensure_ascii=False)
        for text in texts
        if text
    ]


def _json(schema: dict[str, Any]) -> str:
    return "%json " + json.dumps(schema | {"x-guidance": SPACES})


@lru_cache(maxsize=2)
def _vocabulary(encoding: Any, ends: tuple[int, ...]) -> LLTokenizer:
    if isinstance(encoding, tiktoken.Encoding):
        return lltokenizer_from_encoding(encoding, eos_token=list(ends))
    from llguidance.hf import from_tokenizer  # needs transformers

    return from_tokenizer(encoding, eos_token=list(ends))


@lru_cache(maxsize=2)
def _matcher(vocabulary: LLTokenizer, grammar: str) -> LLMatcher:
    """At the beginning of an answer; copies of it go along with answers. Raises MaskUnusable."""

    def compile() -> LLMatcher:
        matcher = LLMatcher(vocabulary, grammar, log_level=0, limits=LIMITS)
        matcher.compute_bitmask()
        return matcher

    matcher = _in_time(compile)
    if matcher.is_error():
        raise MaskUnusable(_reason(matcher))
    return matcher


def _in_time(compile: Callable[[], LLMatcher]) -> LLMatcher:
    """What `compile` returns. Raises MaskUnusable if it takes too long; it goes on even so."""
    done: list[LLMatcher] = []
    usual = threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=lambda: done.append(compile()), daemon=True)
    thread.start()
    threading.stack_size(usual)
    thread.join(MOST_SECONDS)
    if not done:
        reason = f"it cannot be read in {MOST_SECONDS} seconds"
        raise MaskUnusable(reason, is_endless=thread.is_alive())
    return done[0]


def _reason(matcher: LLMatcher) -> str:
    return matcher.get_error().split("\n<")[0].replace("\n", " ")[:LONGEST_REASON]
