"""instructor: answers as objects of a class."""

import instructor
from instructor import Mode
from steps import MODEL, QUESTION, Place, end, step

messages = [{"role": "user", "content": QUESTION}]
client = instructor.from_provider(f"openai/{MODEL}")

with step("POST /chat/completions", "with all defaults: by a call of a tool"):
    place = client.create(response_model=Place, messages=messages)
    assert isinstance(place, Place), place

with step("POST /chat/completions", "streamed, ever more of it"):
    *_, place = client.create_partial(response_model=Place, messages=messages)
    assert place.city in ("Paris", "Rome"), place

for mode, call in ((Mode.JSON_SCHEMA, "chat/completions"), (Mode.RESPONSES_TOOLS, "responses")):
    with step(f"POST /{call}", f"as {mode.value}"):
        client = instructor.from_provider(f"openai/{MODEL}", mode=mode)
        place = client.create(response_model=Place, messages=messages)
        assert isinstance(place, Place), place

end()
