"""The official package's type for the answer of each served call, and a check without leniency."""

from typing import Any

from openai.pagination import SyncCursorPage, SyncPage
from openai.types import (
    Completion,
    FileDeleted,
    FileObject,
    Model,
    ModelDeleted,
    Upload,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.uploads import UploadPart
from pydantic import BaseModel, TypeAdapter

JOBS = "/v1/fine_tuning/jobs"
# By method and path, as the table of routes has them.
ANSWERS: dict[tuple[str, str], type] = {
    ("POST", "/v1/files"): FileObject,
    ("GET", "/v1/files"): SyncCursorPage[FileObject],
    ("GET", "/v1/files/{id}"): FileObject,
    ("DELETE", "/v1/files/{id}"): FileDeleted,
    ("GET", "/v1/files/{id}/content"): bytes,
    ("POST", "/v1/uploads"): Upload,
    ("POST", "/v1/uploads/{id}/parts"): UploadPart,
    ("POST", "/v1/uploads/{id}/complete"): Upload,
    ("POST", "/v1/uploads/{id}/cancel"): Upload,
    ("POST", JOBS): FineTuningJob,
    ("GET", JOBS): SyncCursorPage[FineTuningJob],
    ("GET", JOBS + "/{id}"): FineTuningJob,
    ("POST", JOBS + "/{id}/cancel"): FineTuningJob,
    ("POST", JOBS + "/{id}/pause"): FineTuningJob,
    ("POST", JOBS + "/{id}/resume"): FineTuningJob,
    ("GET", JOBS + "/{id}/events"): SyncCursorPage[FineTuningJobEvent],
    ("GET", JOBS + "/{id}/checkpoints"): SyncCursorPage[FineTuningJobCheckpoint],
    ("GET", "/v1/models"): SyncPage[Model],
    ("GET", "/v1/models/{model}"): Model,
    ("DELETE", "/v1/models/{model}"): ModelDeleted,
    ("POST", "/v1/chat/completions"): ChatCompletion,
    ("POST", "/v1/completions"): Completion,
    ("POST", "/v1/responses"): Response,
}
# The events of a streamed answer.
CHUNKS: dict[tuple[str, str], Any] = {
    ("POST", "/v1/chat/completions"): ChatCompletionChunk,
    ("POST", "/v1/completions"): Completion,
    ("POST", "/v1/responses"): ResponseStreamEvent,
}

# Keys that the real service sends although the package does not know them, by the name of the
# type.
ALSO_SENT = {
    "FineTuningJob": {"user_provided_suffix", "usage_metrics", "shared_with_openai", "eval_id"},
    "Metrics": {"type"},
    "Response": {"store"},
    "SyncCursorPage": {"object", "first_id", "last_id"},
}
# Keys that the package knows and the real service leaves out, or sends only at times.
CALLS_OF_TOOLS = {"audio", "function_call", "tool_calls"}
MAY_LACK = {
    "ChatCompletion": {"metadata", "moderation"},
    "ChatCompletionChunk": {"moderation", "obfuscation", "usage"},
    "ChatCompletionMessage": CALLS_OF_TOOLS,
    "ChoiceDelta": {"role", "content", "refusal"} | CALLS_OF_TOOLS,
    "ChoiceDeltaToolCall": {"id", "type"},
    "ChoiceDeltaToolCallFunction": {"name"},
    "Completion": {"usage"},  # in a stream
    "CompletionTokensDetails": {"text_tokens"},
    "CompletionUsage": {"prompt_tokens_details", "completion_tokens_details"},
    "FunctionTool": {"allowed_callers", "async_", "defer_loading", "output_schema"},
    "Hyperparameters": {"n_epochs", "batch_size", "learning_rate_multiplier"},
    "Method": {"supervised", "dpo", "reinforcement"},
    "Metrics": {
        "valid_loss",
        "valid_mean_token_accuracy",
        "full_valid_loss",
        "full_valid_mean_token_accuracy",
    },
    "InputTokensDetails": {"cache_write_tokens_details"},
    "Response": {
        *("access_programs", "conversation", "image", "input_transformations", "moderation"),
        *("prompt", "prompt_cache_diagnostics", "prompt_cache_options", "tool_usage"),
    },
    "Reasoning": {"context", "generate_summary", "mode"},
    "ResponseFunctionToolCall": {"async_", "caller", "namespace"},
    "ResponseOutputMessage": {"phase"},
    "PromptTokensDetails": {"cache_write_tokens", "image_tokens", "text_tokens"},
}


def check_answer(type_: type[BaseModel], content: Any) -> BaseModel:
    """Returns `content`, parsed JSON, as the type. Raises pydantic's ValidationError, and
    AssertionError for a key that is too much or missing anywhere in it."""
    answer = type_.model_validate(_as_typed(content), strict=True)
    _check_keys(answer)
    return answer


def check_chunk(type_: Any, content: Any) -> BaseModel:
    """The same for a part of a streamed answer."""
    if type_ is ResponseStreamEvent:
        event = TypeAdapter(type_).validate_python(content, strict=True)
        _check_keys(event)
        return event
    choices = content["choices"]
    if type_ is Completion:
        # The package has one type for parts and wholes, and only parts come before the end.
        choices = [choice | {"finish_reason": choice["finish_reason"] or "stop"}
                   for choice in choices]  # fmt: skip
    return check_answer(type_, content | {"choices": choices})


def _as_typed(content: Any) -> Any:
    """The content without what the real service sends although its own types forbid it."""
    if content.get("object") == "list":
        return content | {"data": [_as_typed(item) for item in content["data"]]}
    changed = {}
    if content.get("object") == "fine_tuning.job":
        changed["error"] = content["error"] or None  # no error is {}
        changed["hyperparameters"] = content["hyperparameters"] or {}  # null with dpo
        changed["status"] = content["status"].replace("paused", "queued")
    if "purpose" in content:
        changed["purpose"] = content["purpose"].replace("evals", "batch")
    return content | changed


def _check_keys(value: Any) -> None:
    if isinstance(value, list):
        for inner in value:
            _check_keys(inner)
    elif isinstance(value, BaseModel):
        name, fields = type(value).__name__.partition("[")[0], set(type(value).model_fields)
        unknown = set(value.model_extra or ()) - ALSO_SENT.get(name, set())
        missing = fields - value.model_fields_set - MAY_LACK.get(name, set())
        assert not unknown and not missing, f"{name}: unknown {unknown}, missing {missing}"
        for field in fields:
            _check_keys(getattr(value, field))
