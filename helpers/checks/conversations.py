"""Rules on a conversation, made of messages that are correct in themselves: who speaks when."""

from typing import Any

from helpers.checks.rules import error, warning

Conversation = list[dict[str, Any]]


def _roles(messages: Conversation) -> str:
    """Return the first letter of each role: sua."""
    return "".join(message["role"][0] for message in messages)


def _weights(messages: Conversation) -> list[int]:
    return [one.get("weight", 1) for one in messages if one["role"] == "assistant"]


def _calls(messages: Conversation) -> list[tuple[int, int, str]]:
    """Return the place of the message, the place in it, and the id of each call of a tool."""
    called = ((i, message.get("tool_calls") or ()) for i, message in enumerate(messages))
    return [(i, j, call["id"]) for i, calls in called for j, call in enumerate(calls)]


def _unanswered(messages: Conversation) -> tuple[int, int, str] | None:
    answered = {message.get("tool_call_id") for message in messages}
    # The last message may be the call that is to be learnt.
    return next((call for call in _calls(messages[:-1]) if call[2] not in answered), None)


def _uncalled(messages: Conversation) -> list[int]:
    first_call = {name: i for i, _, name in reversed(_calls(messages))}
    tools = (i for i, message in enumerate(messages) if message["role"] == "tool")
    return [i for i in tools if first_call.get(messages[i]["tool_call_id"], i) >= i]


# fmt: off
CONVERSATION = [  # in a preference example's input too
    warning("system_not_first", "messages[{0}]",
            lambda messages: _roles(messages).count("s") == 1 and _roles(messages).index("s"),
            "the system message is not the first", "move it up"),
    warning("several_systems", "messages[{0}]",
            lambda messages: _roles(messages).count("s") > 1
            and _roles(messages).index("s", _roles(messages).index("s") + 1),
            "more than one system message", "join them into one"),
    warning("assistant_twice", "messages[{0}]", lambda messages: _roles(messages).find("aa") + 1,
            "two messages of the assistant in a row",
            "join them into one, or put in the user's message that is missing"),
    error("tool_call_unanswered", "messages[{0[0]}].tool_calls[{0[1]}].id", _unanswered,
          "no message answers it",
          lambda call: f'add a message with role tool and "tool_call_id": "{call[2]}"'),
    error("tool_message_without_call", "messages[{0[0]}].tool_call_id", _uncalled,
          "no call before has this id", "give it the id of a call before it, or delete it"),
]
CHAT_CONVERSATION = [
    error("no_assistant", "messages", lambda messages: not _weights(messages),
          "no message of the assistant", "add the answer to be learnt"),
    error("weights_all_zero", "messages",
          lambda messages: _weights(messages) and not any(_weights(messages)),
          "every weight is 0: nothing is trained on", "give one answer weight 1"),
    warning("last_not_assistant", "messages[{0}]",
            lambda messages: "a" in _roles(messages)[:-1] and messages[-1]["role"] != "assistant"
            and len(messages) - 1,
            "the last message is not the assistant's",
            "end with the answer; what stands after it trains nothing"),
    *CONVERSATION,
]
