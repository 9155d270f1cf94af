"""GET /models, GET and DELETE /models/{model}."""

from __future__ import annotations

import shutil

from starlette.requests import Request
from starlette.responses import JSONResponse

from practice_server.routes.call import Call
from practice_server.routes.services import owner, services
from practice_server.store import checkpoints
from practice_server.store.catalogue import Model
from practice_server.web.errors import ApiError


async def list_models(request: Request) -> JSONResponse:
    models = services(request).catalogue.all(owner(request))
    return JSONResponse({"object": "list", "data": [model.as_object() for model in models]})


async def retrieve(request: Request) -> JSONResponse:
    return JSONResponse(_named(request).as_object())


async def delete(request: Request) -> JSONResponse:
    model = _named(request)
    if model.checkpoint_id is None:
        message = f"The model '{model.id}' is a base model; only fine-tuned ones can be deleted."
        raise ApiError(403, message, param="model")
    store = services(request).store
    with store.transaction():
        checkpoints.forget(store, model.checkpoint_id)
    shutil.rmtree(model.folder, ignore_errors=True)
    return JSONResponse({"id": model.id, "object": "model", "deleted": True})


def _named(request: Request) -> Model:
    name = request.path_params["model"]
    catalogue = services(request).catalogue
    model = catalogue.find(name, owner(request))
    if model is None:
        advice = catalogue.advice(name)
        message = f"The model '{name}' does not exist" + (advice and f".{advice}")
        raise ApiError(404, message, param="model", code="model_not_found")
    return model


calls = [
    Call("GET", "/models", list_models),
    Call("GET", "/models/{model:path}", retrieve),
    Call("DELETE", "/models/{model:path}", delete, differs="its checkpoint leaves the list too"),
]
