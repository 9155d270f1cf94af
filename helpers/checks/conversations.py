"""Rules on a conversation, made of messages that are correct in themselves: who speaks when."""

from collections.abc import Iterator
from typing import Any

from helpers.checks.rules import Finding, error, warning

# fmt: off


def in_chat(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield what is wrong with the messages of a chat example."""
    weights = [one.get("weight", 1) for one in messages if one["role"] == "assistant"]
    if not weights:
        yield error("no_assistant", "messages",
                    "no message of the assistant", "add the answer to be learnt")
    elif not any(weights):
        yield error("weights_all_zero", "messages",
                    "every weight is 0: nothing is trained on", "give one answer weight 1")
    if weights and messages[-1]["role"] != "assistant":
        yield warning("last_not_assistant", f"messages[{len(messages) - 1}]",
                      "the last message is not the assistant's",
                      "end with the answer; what stands after it trains nothing")
    yield from in_conversation(messages)


def in_conversation(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield what is wrong with these messages; they may be a preference example's input."""
    roles = [message["role"] for message in messages]
    systems = [i for i, role in enumerate(roles) if role == "system"]
    if len(systems) == 1 and systems != [0]:
        yield warning("system_not_first", f"messages[{systems[0]}]",
                      "the system message is not the first", "move it up")
    if len(systems) > 1:
        yield warning("several_systems", f"messages[{systems[1]}]",
                      "more than one system message", "join them into one")
    for i in range(1, len(roles)):
        if roles[i - 1] == roles[i] == "assistant":
            yield warning("assistant_twice", f"messages[{i}]",
                          "two messages of the assistant in a row",
                          "join them into one, or put in the user's message that is missing")
            break
    yield from _tools(messages)


def _tools(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield the first call of a tool that is not answered, and the first answer without a call."""
    calls = [(i, j, call["id"]) for i, message in enumerate(messages)
             for j, call in enumerate(message.get("tool_calls") or ())]
    answers = [(i, message["tool_call_id"]) for i, message in enumerate(messages)
               if message["role"] == "tool"]
    answered = {name for _, name in answers}
    first_call = {name: i for i, _, name in reversed(calls)}
    for i, j, name in calls:
        if name not in answered and i < len(messages) - 1:  # the last may be what is to be learnt
            yield error("tool_call_unanswered", f"messages[{i}].tool_calls[{j}].id",
                        "no message answers it",
                        f'add a message with role tool and "tool_call_id": "{name}"')
            break
    for i, name in answers:
        if first_call.get(name, i) >= i:
            yield error("tool_message_without_call", f"messages[{i}].tool_call_id",
                        "no call before has this id",
                        "give it the id of a call before it, or delete it")
            break
