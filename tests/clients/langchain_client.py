"""LangChain's package for OpenAI's API."""

from langchain_openai import ChatOpenAI
from steps import MODEL, QUESTION, end, equal, step

model = ChatOpenAI(model=MODEL, temperature=0)

with step("POST /chat/completions", "ask, with all defaults"):
    answer = ChatOpenAI(model=MODEL).invoke(QUESTION)
    equal(answer.response_metadata["model_name"], MODEL)
    assert answer.content and answer.usage_metadata["total_tokens"] > 0

with step("POST /chat/completions", "go on with a conversation"):
    answer = model.invoke([("user", QUESTION), answer, ("user", QUESTION)])
    assert "Paris" in answer.content, answer.content

with step("POST /chat/completions", "streamed"):
    pieces = [chunk.content for chunk in model.stream(QUESTION)]
    assert "Paris" in "".join(pieces) and len(pieces) > 2, pieces

with step("POST /responses", "ask by the newer call"):
    answer = ChatOpenAI(model=MODEL, temperature=0, use_responses_api=True).invoke(QUESTION)
    assert "Paris" in answer.text, answer

with step("no call", "count tokens by the model's name, and by that of a tuned one"):
    tuned = ChatOpenAI(model=f"ft:{MODEL}:practice::AbCdEfGh")
    equal([each.get_num_tokens(QUESTION) for each in (model, tuned)], [7, 7])

end()
