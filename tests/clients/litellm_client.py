"""LiteLLM: a job by its own calls, then the tuned model by its own name."""

import json
import time

import litellm
from steps import MODEL, QUESTION, Place, end, equal, step

OPENAI = {"custom_llm_provider": "openai"}
TRAINING_DATA = "".join(
    json.dumps({"messages": [{"role": role, "content": text} for role, text in messages]}) + "\n"
    for messages in ([("user", f"Say {n}."), ("assistant", f"{n}, gladly!")] for n in range(10))
).encode()
messages = [{"role": "user", "content": QUESTION}]

with step("POST /chat/completions", "ask, with all defaults"):
    answer = litellm.completion(model=MODEL, messages=messages)
    assert answer.choices[0].message.content
    equal(answer.model, MODEL)

with step("POST /files", "upload a file"):
    file = litellm.create_file(file=("train.jsonl", TRAINING_DATA), purpose="fine-tune", **OPENAI)

with step("POST /fine_tuning/jobs", "create a job"):
    job = litellm.create_fine_tuning_job(
        model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 1}, **OPENAI
    )

with step("GET /fine_tuning/jobs/{id}", "wait for it"):
    while job.finished_at is None and job.status != "failed":
        time.sleep(0.1)
        job = litellm.retrieve_fine_tuning_job(fine_tuning_job_id=job.id, **OPENAI)
    tuned = job.fine_tuned_model
    assert tuned.startswith(f"ft:{MODEL}:practice:"), tuned

with step("GET /fine_tuning/jobs", "list all jobs"):
    equal([each.id for each in litellm.list_fine_tuning_jobs(**OPENAI).data], [job.id])

with step("POST /chat/completions", "ask the tuned model by its own name"):
    answer = litellm.completion(model=tuned, messages=messages, temperature=0)
    assert "Paris" in answer.choices[0].message.content, answer
    equal(answer.model, tuned)

with step("POST /chat/completions", "streamed"):
    chunks = litellm.completion(model=tuned, messages=messages, temperature=0, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    equal("".join(pieces), answer.choices[0].message.content)

with step("POST /chat/completions", "an object of a class, by a schema"):
    answer = litellm.completion(model=tuned, messages=messages, response_format=Place)
    Place.model_validate_json(answer.choices[0].message.content)

with step("POST /chat/completions", "what it would have cost at OpenAI, by the name"):
    assert litellm.completion_cost(answer) > 0
    assert litellm.token_counter(model=tuned, messages=messages) > 0

end()
