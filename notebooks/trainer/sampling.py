"""An answer drawn from a model, as text and as something to learn from."""

from practice_server.engines.engine import Example, Sampling, TokenSequence

LONGEST = 40  # tokens


def sample(engine, question, *, temperature, system=None, seed=None):
    """An answer of the model as (example, text): the answer is what would be trained on."""
    tokenizer = engine.tokenizer
    messages = [{"role": "system", "content": system}] if system else []
    prompt = tokenizer.encode_prompt([*messages, {"role": "user", "content": question}])
    drawn = engine.generate(prompt, Sampling(LONGEST, temperature, seed=seed))
    answer = [token.id for token in drawn]
    learnt = [False] * len(prompt) + [True] * len(answer)
    text = tokenizer.decode([token for token in answer if token not in tokenizer.ends])
    return Example([TokenSequence(prompt + answer, learnt)]), text
