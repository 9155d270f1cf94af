"""Rules on a conversation, made of messages that are correct in themselves: who speaks when."""

from typing import Any

from helpers.checks.rules import Fault, rule, table

Conversation = list[dict[str, Any]]


def _weights(messages: Conversation) -> list[int]:
    return [one.get("weight", 1) for one in messages if one["role"] == "assistant"]


def _systems(messages: Conversation) -> list[int]:
    return [i for i, message in enumerate(messages) if message["role"] == "system"]


def _second_answer(messages: Conversation) -> int | None:
    roles = [message["role"] for message in messages]
    pairs = enumerate(zip(roles, roles[1:], strict=False), 1)
    return next((i for i, pair in pairs if pair == ("assistant", "assistant")), None)


# fmt: off
table("chat conversation", rows=[
    ("no_assistant", "error", "messages", lambda messages: not _weights(messages),
     "no message of the assistant", "add the answer to be learnt"),
    ("weights_all_zero", "error", "messages",
     lambda messages: _weights(messages) and not any(_weights(messages)),
     "every weight is 0: nothing is trained on", "give one answer weight 1"),
    ("last_not_assistant", "warning", "messages[{0}]",
     lambda messages: _weights(messages) and messages[-1]["role"] != "assistant"
     and len(messages) - 1,
     "the last message is not the assistant's",
     "end with the answer; what stands after it trains nothing"),
])
table("conversation", rows=[
    ("system_not_first", "warning", "messages[{0[0]}]",
     lambda messages: len(_systems(messages)) == 1 and _systems(messages) != [0]
     and _systems(messages),
     "the system message is not the first", "move it up"),
    ("several_systems", "warning", "messages[{0[0]}]", lambda messages: _systems(messages)[1:],
     "more than one system message", "join them into one"),
    ("assistant_twice", "warning", "messages[{0}]", _second_answer,
     "two messages of the assistant in a row",
     "join them into one, or put in the user's message that is missing"),
])
# fmt: on


@rule("error", "conversation")
def tool_call_unanswered(messages: Conversation) -> Fault | None:
    answered = {message.get("tool_call_id") for message in messages}
    for i, message in enumerate(messages[:-1]):  # the last may be the call that is to be learnt
        for j, call in enumerate(message.get("tool_calls") or ()):
            if call["id"] not in answered:
                fix = f'add a message with role tool and "tool_call_id": "{call["id"]}"'
                return Fault(f"messages[{i}].tool_calls[{j}].id", "no message answers it", fix)
    return None


@rule("error", "conversation")
def tool_message_without_call(messages: Conversation) -> Fault | None:
    called: set[str] = set()
    for i, message in enumerate(messages):
        called.update(call["id"] for call in message.get("tool_calls") or ())
        if message["role"] == "tool" and message["tool_call_id"] not in called:
            fix = "give it the id of a call before it, or delete it"
            return Fault(f"messages[{i}].tool_call_id", "no call before has this id", fix)
    return None
