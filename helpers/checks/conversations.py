"""Rules on a conversation, made of messages that are sound in themselves: who speaks when."""

from typing import Any

from helpers.checks.rules import Fault, rule

Conversation = list[dict[str, Any]]


@rule("error", "chat conversation")
def no_assistant(messages: Conversation) -> Fault | None:
    if any(message["role"] == "assistant" for message in messages):
        return None
    return Fault("messages", "no message of the assistant", "add the answer to be learnt")


@rule("error", "chat conversation")
def weights_all_zero(messages: Conversation) -> Fault | None:
    weights = [m.get("weight", 1) for m in messages if m["role"] == "assistant"]
    if not weights or any(weights):
        return None
    message = "every weight is 0: nothing is trained on"
    return Fault("messages", message, "give one answer weight 1")


@rule("warning", "chat conversation")
def last_not_assistant(messages: Conversation) -> Fault | None:
    if messages[-1]["role"] == "assistant":
        return None
    if not any(message["role"] == "assistant" for message in messages):
        return None  # no_assistant says so
    cure = "end with the answer; what stands after it trains nothing"
    return Fault(f"messages[{len(messages) - 1}]", "the last message is not the assistant's", cure)


@rule("warning", "conversation")
def system_not_first(messages: Conversation) -> Fault | None:
    places = [i for i, message in enumerate(messages) if message["role"] == "system"]
    if len(places) != 1 or places == [0]:
        return None
    return Fault(f"messages[{places[0]}]", "the system message is not the first", "move it up")


@rule("warning", "conversation")
def several_systems(messages: Conversation) -> Fault | None:
    places = [i for i, message in enumerate(messages) if message["role"] == "system"]
    if len(places) < 2:
        return None
    return Fault(f"messages[{places[1]}]", "more than one system message", "join them into one")


@rule("warning", "conversation")
def assistant_twice(messages: Conversation) -> Fault | None:
    for i in range(1, len(messages)):
        if messages[i - 1]["role"] == messages[i]["role"] == "assistant":
            cure = "join them into one, or put in the user's message that is missing"
            return Fault(f"messages[{i}]", "two messages of the assistant in a row", cure)
    return None


@rule("error", "conversation")
def tool_call_unanswered(messages: Conversation) -> Fault | None:
    answered = {message.get("tool_call_id") for message in messages}
    for i, message in enumerate(messages[:-1]):  # the last may be the call that is to be learnt
        for j, call in enumerate(message.get("tool_calls") or ()):
            if call["id"] not in answered:
                cure = f'add a message with role tool and "tool_call_id": "{call["id"]}"'
                return Fault(f"messages[{i}].tool_calls[{j}].id", "no message answers it", cure)
    return None


@rule("error", "conversation")
def tool_message_without_call(messages: Conversation) -> Fault | None:
    called: set[str] = set()
    for i, message in enumerate(messages):
        called.update(call["id"] for call in message.get("tool_calls") or ())
        if message["role"] == "tool" and message["tool_call_id"] not in called:
            cure = "give it the id of a call before it, or delete it"
            return Fault(f"messages[{i}].tool_call_id", "no call before has this id", cure)
    return None
