"""An engine whose model is a table of counts: how often each token followed each other one.

Its chats have two ends, and each turn of the assistant is a sequence of its own. Definitions of
tools stand before the conversation. Preferences are not learnt.
"""

import json
from collections import Counter
from math import exp, log
from random import Random

from practice_server.engines.engine import Step, Token, TokenSequence
from practice_server.engines.model_folder import read_json

END_OF_TURN, END_OF_TEXT, OTHERS, ASSISTANT = range(256, 260)
N_TOKENS = 260
# What a pair counts for that was never seen.
FLOOR = 1e-9


class CountTokenizer:
    """Tokens are bytes and four marks."""

    ends = frozenset({END_OF_TURN, END_OF_TEXT})
    call = encoding = None

    def encode_chat(self, messages, tools=None):
        sequences = []
        for place, message in enumerate(messages):
            if message["role"] == "assistant" and message.get("weight") != 0:
                prompt = self.encode_prompt(messages[:place], tools)
                end = END_OF_TEXT if message is messages[-1] else END_OF_TURN
                sequences.append(answered(prompt, message["content"], end))
        return sequences

    def encode_prompt(self, messages, tools=None):
        tokens = list(json.dumps(tools).encode()) if tools else []
        for message in messages:
            mark = ASSISTANT if message["role"] == "assistant" else OTHERS
            tokens += [mark, *message["content"].encode()]
        return [*tokens, ASSISTANT]

    def encode_completion(self, prompt, completion):
        return answered(self.encode_text_prompt(prompt), completion, END_OF_TEXT)

    def encode_text_prompt(self, prompt):
        return [OTHERS, *prompt.encode()]

    def decode_bytes(self, tokens):
        return bytes(token for token in tokens if token < 256)


def answered(prompt, answer, end):
    spoken = [*answer.encode(), end]
    return TokenSequence(prompt + spoken, [False] * len(prompt) + [True] * len(spoken))


class CountEngine:
    """Implements `practice_server.engines.engine.Engine`."""

    tokenizer = CountTokenizer()
    state_bytes = 10_000

    def __init__(self, context, counts):
        self.context = context
        self.counts = Counter({(before, token): n for before, token, n in counts})
        self._n_steps = 0

    @classmethod
    def load(cls, folder):
        return cls(cls.context_of(folder), read_json(folder / "counts.json")["counts"])

    @classmethod
    def load_tokenizer(cls, folder):
        return cls.tokenizer

    @classmethod
    def context_of(cls, folder):
        return read_json(folder / "config.json")["context"]

    @classmethod
    def memory_needed(cls, folder, data, batch_size):
        return 1_000_000

    def train(self, training, validation, plan, *, state=None):
        if state:
            saved = read_json(state)
            self.__init__(self.context, saved["counts"])
            self._n_steps = saved["n_steps"]
        return self._steps(training, validation, plan)

    def _steps(self, training, validation, plan):
        n, total = len(training), plan.total_steps(len(training))
        for number in range(self._n_steps + 1, total + 1):
            places = range((number - 1) * plan.batch_size, number * plan.batch_size)
            batch = [training[place % n] for place in places if place < n * plan.n_epochs]
            metrics = self._measured(batch, "train")
            self.counts.update(pair for example in batch for pair in learnt(example))
            self._n_steps = number
            epoch = plan.epoch_ended(n, number)
            if validation and epoch:
                metrics |= self._measured(validation, "full_valid")
            yield Step(number, total, metrics, epoch)

    def _measured(self, examples, kind):
        pairs = [pair for example in examples for pair in learnt(example)]
        tables = [(self._logprobs(before), token) for before, token in pairs]
        losses = [-logprobs[token] for logprobs, token in tables]
        right = [logprobs[token] == max(logprobs) for logprobs, token in tables]
        return {
            f"{kind}_loss": sum(losses) / len(pairs),
            f"{kind}_mean_token_accuracy": sum(right) / len(pairs),
        }

    def _logprobs(self, before):
        counts = [self.counts[before, token] + FLOOR for token in range(N_TOKENS)]
        return [log(count / sum(counts)) for count in counts]

    def save_state(self, path):
        path.write_text(json.dumps({"n_steps": self._n_steps, "counts": self._rows()}))

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"context": self.context}))
        (folder / "counts.json").write_text(json.dumps({"counts": self._rows()}))

    def _rows(self):
        return [[*pair, n] for pair, n in self.counts.items()]

    def score(self, tokens, *, top_logprobs=0):
        for before, token in zip(tokens, tokens[1:], strict=False):
            yield told(token, self._logprobs(before), top_logprobs)

    def generate(self, prompt, sampling, mask=None):
        random, last = Random(sampling.seed), prompt[-1]
        room = self.context - len(prompt)
        for _ in range(room if sampling.max_tokens is None else min(sampling.max_tokens, room)):
            logprobs = self._logprobs(last)
            [last] = random.choices(range(N_TOKENS), map(exp, logprobs))
            if sampling.temperature == 0:
                last = logprobs.index(max(logprobs))
            yield told(last, logprobs, sampling.top_logprobs or 0)
            if last in self.tokenizer.ends:
                return


def learnt(example):
    """Each token that counts, with the one before it."""
    for tokens, trained_on in example.sequences:
        pairs = zip(tokens, tokens[1:], trained_on[1:], strict=False)
        yield from ((before, token) for before, token, counts in pairs if counts)


def told(token, logprobs, n):
    order = sorted(range(N_TOKENS), key=lambda other: -logprobs[other])[:n]
    return Token(token, logprobs[token], [(other, logprobs[other]) for other in order])


ENGINE = CountEngine
