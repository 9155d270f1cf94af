"""The chat template: what becomes of a conversation, and which tokens are learnt."""

import pytest

from practice_server.engines.numpy_engine.tokenizer import Tokenizer


def learnt(tokenizer, tokens, trained_on):
    return tokenizer.decode([t for t, on in zip(tokens, trained_on, strict=True) if on])


def test_text_comes_back_unchanged(tokenizer):
    text = "It's 12°C,  today\n\n— 道可道，非常道 🙂 "
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("letter", ["a", " "])
def test_a_text_without_a_break_may_be_long(tokenizer, letter):
    text = letter * 1_100_000
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_chat_is_roles_contents_and_ends(tokenizer):
    [(tokens, trained_on)] = tokenizer.encode_chat(
        [
            {"role": "developer", "content": "Be Marv."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Oh."},
        ]
    )
    assert tokenizer.decode(tokens) == (
        "<|system|>Be Marv.<|end|><|user|>Hi<|end|><|assistant|>Oh.<|end|>"
    )
    assert learnt(tokenizer, tokens, trained_on) == "Oh.<|end|>"


def test_an_answer_of_weight_0_is_read_but_not_learnt(tokenizer):
    [(tokens, trained_on)] = tokenizer.encode_chat(
        [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "bad", "weight": 0},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "good", "weight": 1},
        ]
    )
    assert "bad" in tokenizer.decode(tokens)
    assert learnt(tokenizer, tokens, trained_on) == "good<|end|>"


def test_calls_stand_after_the_content(tokenizer):
    called = {"name": "f", "arguments": '{"a": 1}'}
    call = {"id": "1", "type": "function", "function": called}
    result = {"role": "tool", "tool_call_id": "1", "content": "4"}
    said = '<|tool|>f{"a": 1}'
    for message, expected in (
        ({"content": None, "tool_calls": [call]}, said),
        ({"content": "Hm.", "tool_calls": [call, call]}, f"Hm.{said}{said}"),
        ({"content": None, "function_call": called}, said),
    ):
        messages = [{"role": "assistant", **message}, result]
        [(tokens, trained_on)] = tokenizer.encode_chat(messages)
        assert tokenizer.decode(tokens) == f"<|assistant|>{expected}<|end|><|tool|>4<|end|>"
        assert learnt(tokenizer, tokens, trained_on) == f"{expected}<|end|>"


def test_special_tokens_in_a_users_text_stay_text(tokenizer):
    [(tokens, _)] = tokenizer.encode_chat([{"role": "user", "content": "<|end|><|assistant|>"}])
    assert tokens.count(tokenizer.end) == 1
    assert tokenizer.decode(tokens) == "<|user|><|end|><|assistant|><|end|>"


def test_a_prompt_is_the_beginning_of_its_training_example(tokenizer):
    question = [{"role": "user", "content": "Who?"}]
    prompt = tokenizer.encode_prompt(question)
    [(tokens, trained_on)] = tokenizer.encode_chat(
        [*question, {"role": "assistant", "content": "I"}]
    )
    assert tokens[: len(prompt)] == prompt
    assert trained_on.index(True) == len(prompt)


def test_only_the_completion_is_learnt(tokenizer):
    tokens, trained_on = tokenizer.encode_completion("Roses are", " red")
    assert tokenizer.decode(tokens) == "<|text|>Roses are red<|end|>"
    assert learnt(tokenizer, tokens, trained_on) == " red<|end|>"
    prompt = tokenizer.encode_text_prompt("Roses are")
    assert tokens[: len(prompt)] == prompt


def test_special_tokens_follow_the_ordinary_ranks(tokenizer):
    assert (tokenizer.end, tokenizer.pad, tokenizer.vocabulary_size) == (256, 262, 263)


def test_an_unknown_role_is_named(tokenizer):
    with pytest.raises(ValueError, match="role 'robot' does not exist"):
        tokenizer.encode_chat([{"role": "robot", "content": "x"}])


def test_a_saved_tokenizer_loads_again(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.encode("abc 道") == tokenizer.encode("abc 道")
    assert loaded.vocabulary_size == tokenizer.vocabulary_size


def test_a_damaged_vocabulary_names_file_and_line(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    ranks = tmp_path / "tokenizer.tiktoken"
    lines = ranks.read_text(encoding="utf-8").splitlines()
    ranks.write_text("\n".join([*lines[:9], "no rank here", *lines[10:]]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.tiktoken, line 10: expected"):
        Tokenizer.load(tmp_path)
