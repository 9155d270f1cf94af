"""What the kitchen machine of lesson 12b does: a function for each name in data/tools/tools.json.

Nothing but these can be called, whatever a model writes. There is no machine: each function only
returns, as a text, what would have happened.
"""

from collections.abc import Callable

shopping_list: dict[str, int] = {}


def add_to_list(food: str, quantity: int) -> str:
    shopping_list[food] = quantity
    return f"{quantity} {food} are on the list"


def remove_from_list(food: str) -> str:
    shopping_list.pop(food, None)
    return f"{food} are off the list"


def read_list() -> str:
    """The two newest things."""
    newest = list(shopping_list.items())[-2:]
    return " and ".join(f"{quantity} {food}" for food, quantity in newest) or "nothing"


DO: dict[str, Callable[..., str]] = {
    "start_timer": lambda minutes: f"the timer runs for {minutes} minutes",
    "stop_timer": lambda: "the timer is off",
    "set_alarm": lambda time: f"the alarm rings at {time}",
    "heat_oven": lambda degrees: f"the oven heats to {degrees} degrees",
    "turn_off_oven": lambda: "the oven is off",
    "cook": lambda food, quantity: f"{quantity} {food} are cooking",
    "make_drink": lambda size, drink: f"a {size} {drink} is coming",
    "set_light": lambda level: f"the light is at {level}",
    "call_person": lambda name: f"{name} is on the line",
    "add_to_list": add_to_list,
    "remove_from_list": remove_from_list,
    "read_list": read_list,
}
