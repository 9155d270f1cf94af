"""Requests that no SDK would send, and those that this server must not answer."""

import json
import re
import socket
from http.client import HTTPResponse
from typing import get_type_hints

import httpx2
import openai
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming


@pytest.fixture(scope="module")
def http(server):
    """A bare client that sends the right key."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=server.base_url, headers=headers) as client:
        yield client


def error_of(response):
    error = response.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert response.headers["content-type"] == "application/json"
    return error


def test_every_answer_has_the_services_headers(http):
    for response in (http.get("/models"), http.get("/nothing")):
        assert response.headers["openai-version"] == "2020-10-01"
        assert response.headers["openai-organization"] == "practice"
        assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
        assert response.headers["openai-processing-ms"].isdigit()
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_wrong_key_is_shown_masked(server):
    client = openai.OpenAI(base_url=server.base_url, api_key="sk-" + "abcdefghijklmnopwxyz")
    with pytest.raises(openai.AuthenticationError) as error:
        client.models.list()
    assert error.value.body == {
        "message": "Incorrect API key provided: sk-ab****wxyz. You can find your API key at"
        " https://platform.openai.com/account/api-keys.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }


@pytest.mark.parametrize("value", [None, "", "Bearer", "Basic YTpi", "Bearer käse"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/files/x/content", "/v1/nothing", "/"])
def test_nothing_without_the_key(server, path, value):
    headers = {} if value is None else {"Authorization": value.encode()}
    url = server.base_url.removesuffix("/v1") + path
    response = httpx2.get(url, headers=headers)
    assert response.status_code == 401
    assert error_of(response)["type"] == "invalid_request_error"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil", "[", ""])
def test_a_foreign_host_is_refused(http, host):
    response = http.get("/models", headers={"Host": host})
    assert response.status_code in (400, 403)
    assert "data" not in response.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8000"])
def test_a_loopback_host_is_welcome(http, host):
    assert http.get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://[", "http://\u2100"]
)
def test_a_foreign_origin_is_refused(http, origin):
    response = http.get("/models", headers={"Origin": origin.encode()})
    assert response.status_code == 403 and error_of(response)


def test_the_servers_own_origin_is_welcome(http, server):
    headers = {"Origin": server.base_url.removesuffix("/v1")}
    assert http.get("/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path", ["", "/nothing", "/files/", "/fine-tunes", "/fine_tuning/jobs/x/y"]
)
def test_an_unknown_path(http, path):
    response = http.get(f"{http.base_url}".removesuffix("/") + path)
    assert response.status_code == 404
    assert error_of(response)["message"] == f"Invalid URL (GET /v1{path})"


def test_what_is_no_http(http):
    with socket.create_connection((http.base_url.host, http.base_url.port)) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = HTTPResponse(connection)
        answer.begin()
        content = answer.read()
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    error = {"type": "invalid_request_error", "param": None, "code": None}
    assert json.loads(content) == {"error": {"message": "Invalid HTTP request received."} | error}


# --- nothing is ignored in silence ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/files"),
        ("GET", "/models"),
        ("GET", "/fine_tuning/jobs/x/events"),
        ("POST", "/chat/completions"),
        ("DELETE", "/files/x"),
    ],
)
def test_an_unknown_parameter_of_the_query(http, method, path):
    for name in ("colour", "limits", "metadata[a]"):
        response = http.request(method, path, params={name: "x"})
        param = name.partition("[")[0]
        assert response.status_code == 400 and error_of(response)["param"] == param


@pytest.mark.parametrize(
    "path",
    ["/uploads/x/cancel", *(f"/fine_tuning/jobs/x/{c}" for c in ("cancel", "pause", "resume"))],
)
def test_a_body_where_none_is_due(http, path):
    response = http.post(path, json={"reason": "none"})
    assert response.status_code == 400 and error_of(response)["param"] == "reason"
    assert http.post(path, content=b"x").status_code == 400
    for empty in (b"", b"{}"):
        assert http.post(path, content=empty).status_code == 404


@pytest.mark.parametrize(
    ("path", "param", "value"),
    [
        ("/files", "purpose", "nonsense"),
        ("/files", "order", "up"),
        ("/fine_tuning/jobs", "metadata", "nonsense"),
    ],
)
def test_a_filter_that_is_none(http, path, param, value):
    response = http.get(path, params={param: value})
    assert response.status_code == 400 and error_of(response)["param"] == param


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/files", openai.types.FileListParams),
        ("/fine_tuning/jobs", openai.types.fine_tuning.JobListParams),
        ("/fine_tuning/jobs/{job}/events", openai.types.fine_tuning.JobListEventsParams),
        (
            "/fine_tuning/jobs/{job}/checkpoints",
            openai.types.fine_tuning.jobs.CheckpointListParams,
        ),
    ],
)
def test_the_official_packages_parameters_of_lists_may_be_empty(
    http, finished_job, path, parameters
):
    """The package for Node.js writes a null like this."""
    empty = dict.fromkeys(get_type_hints(parameters), "")
    assert http.get(path.format(job=finished_job.id), params=empty).status_code == 200


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/chat/completions", CompletionCreateParamsStreaming),
        ("/completions", openai.types.completion_create_params.CompletionCreateParamsStreaming),
        ("/fine_tuning/jobs", openai.types.fine_tuning.JobCreateParams),
        ("/uploads", openai.types.UploadCreateParams),
    ],
)
def test_no_parameter_of_the_official_package_is_called_unknown(http, path, parameters):
    names = get_type_hints(parameters)
    assert len(names) > 4
    for name in names:
        error = error_of(http.post(path, json={name: [[]]}))
        assert "Unrecognized" not in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/files", "POST, GET"),
        ("OPTIONS", "/files/x", "GET, DELETE"),
        ("POST", "/models", "GET"),
        ("PUT", "/chat/completions", "POST"),
    ],
)
def test_a_wrong_method(http, method, path, allowed):
    response = http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert error_of(response)["code"] == "method_not_supported"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"\xff", b'"x"', b"null", b"[" * 100_000),
        *(b'{"model": NaN}', b'{"model": -Infinity}'),
        # Half a pair of surrogates is no text: it could be neither stored nor shown.
        *(rb'{"model": "\ud800"}', rb'{"a\udfff": 1}', b'{"model": "\xed\xa0\x80"}'),
        # Some are deeper than Python can show, and not deeper than it can read.
        *(b'{"model": ' + b"[" * n + b"]" * n + b"}" for n in (101, 500, *range(900, 999, 9))),
    ],
    ids=lambda body: f"{body[:20]!r} and so on, {len(body)} bytes",
)
@pytest.mark.parametrize("path", ["/fine_tuning/jobs", "/chat/completions"])
def test_a_body_that_is_no_json_object(http, path, body):
    response = http.post(path, content=body)
    assert response.status_code == 400 and "JSON" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a" 1}', "Expecting ':' delimiter: line 1 column 6 (char 5)"),
        (b'{"a": NaN}', "NaN is no number in JSON"),
        (rb'{"a": "\ud800"}', "surrogates not allowed"),
        (b"[" * 101 + b"]" * 101, "it has more than 100 levels"),
        (b"[" * 100_000, "it has more than 100 levels"),
    ],
)
def test_a_body_that_is_no_json_is_told_why(http, body, reason):
    response = http.post("/chat/completions", content=body)
    assert response.status_code == 400 and f"{reason}." in error_of(response)["message"]


def test_a_pair_of_surrogates_is_a_character(http):
    body = rb'{"model": "\ud83d\ude00", "messages": []}'
    response = http.post("/chat/completions", content=body)
    assert response.status_code == 404 and "`😀`" in error_of(response)["message"]


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "unicode_escape", "undefined", "\0"])
@pytest.mark.parametrize("path", ["/files", "/uploads/{upload}/parts"])
def test_a_form_in_another_encoding(http, path, charset):
    upload = {"bytes": 1, "purpose": "batch", "filename": "a", "mime_type": "text/plain"}
    path = path.format(upload=http.post("/uploads", json=upload).json()["id"])
    head = b'Content-Disposition: form-data; name="data"; filename="+2AA-"'
    body = b"--a\r\n" + head + b"\r\n\r\nx\r\n--a--"
    content_type = f'multipart/form-data; boundary=a; charset="{charset}"'
    headers = {"Content-Type": content_type.replace("\0", "\\0")}
    response = http.post(path, headers=headers, content=body)
    assert response.status_code == 400 and "UTF-8" in error_of(response)["message"]
    headers = {"Content-Type": "multipart/form-data; boundary=a; charset=UTF-8"}
    response = http.post(path, headers=headers, content=body)
    assert response.status_code == 200 or error_of(response)["param"] == "data"


def test_a_form_that_is_none(http):
    for headers, body in (
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "multipart/form-data"}, b"x"),
        ({"Content-Type": "multipart/form-data; boundary=a"}, b"nothing of the kind"),
    ):
        response = http.post("/files", headers=headers, content=body)
        assert response.status_code == 400 and error_of(response)


def test_an_upload_without_a_file(http):
    response = http.post("/files", data={"purpose": "fine-tune", "file": "text"})
    assert response.status_code == 400 and error_of(response)["param"] == "file"


def test_a_body_over_the_limit(http):
    for path, size in (("/files", 2**30), ("/chat/completions", 2**25)):
        with socket.create_connection((http.base_url.host, http.base_url.port)) as connection:
            connection.sendall(
                f"POST /v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                f"Content-Length: {size}\r\nContent-Type: multipart/form-data; boundary=a\r\n"
                f"Authorization: {http.headers['authorization']}\r\n\r\n--a".encode()
            )
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, answer.will_close) == (413, True)
            assert b"is larger than" in answer.read()


@pytest.mark.parametrize(
    ("path", "key", "status", "message"),
    [
        ("/uploads/upload_x/parts", None, 404, "No such Upload object"),
        ("/files", "Bearer a-wrong-key", 401, "Incorrect API key provided"),
        ("/chat/completions", None, 413, "is larger than 2097152 bytes"),
    ],
)
def test_a_large_body_is_taken_in_although_it_is_refused(http, path, key, status, message):
    """Otherwise a client that sends first and reads then finds the connection closed."""
    size = 40_000_000
    with socket.create_connection((http.base_url.host, http.base_url.port)) as connection:
        connection.sendall(
            f"POST /v1{path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Connection: close\r\nContent-Length: {size}\r\n"
            "Content-Type: multipart/form-data; boundary=a\r\n"
            f"Authorization: {key or http.headers['authorization']}\r\n\r\n".encode()
        )
        connection.sendall(bytes(size))
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ") and message in answer


def test_a_large_body_in_chunks_is_taken_in_although_it_is_refused(http):
    """Its size is not announced."""
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    with socket.create_connection((http.base_url.host, http.base_url.port)) as connection:
        connection.sendall(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n"
            f"Authorization: {http.headers['authorization']}\r\n\r\n".encode()
        )
        for _ in range(40):
            connection.sendall(chunk)
        connection.sendall(b"0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    assert answer.startswith("HTTP/1.1 413 ") and "is larger than 2097152 bytes" in answer


@pytest.mark.parametrize("limit", ["0", "-1", "x", "99999999", "1e3", "٣", "9" * 5_000])
def test_a_bad_limit(http, limit):
    response = http.get("/fine_tuning/jobs", params={"limit": limit})
    assert response.status_code == 400 and error_of(response)["param"] == "limit"


@pytest.mark.parametrize("path", ["/files", "/fine_tuning/jobs"])
def test_an_unknown_place_in_a_list(http, path):
    response = http.get(path, params={"after": "x"})
    assert response.status_code == 400 and error_of(response)["param"] == "after"


def test_the_files_service_says_it_twice(http):
    content = http.get("/files/x").json()
    assert content["detail"] == {"message": "No such File object: x", "code": None}


def test_huge_numbers_are_refused_not_suffered(http, finished_job):
    body = {"model": "tiny", "training_file": finished_job.training_file, "seed": 10**400}
    assert http.post("/fine_tuning/jobs", content=json.dumps(body)).status_code == 400
    for number in ("1e999", f"1{'0' * 400}", "1e-999"):
        hyperparameters = f'{{"learning_rate_multiplier": {number}}}'
        text = json.dumps(body | {"seed": 1})[:-1] + f', "hyperparameters": {hyperparameters}}}'
        assert http.post("/fine_tuning/jobs", content=text).status_code == 400


def test_more_metadata_than_a_job_may_have_is_not_looked_for(http):
    pairs = {f"metadata[{number}]": "x" for number in range(1_500)}
    response = http.get("/fine_tuning/jobs", params=pairs)
    assert response.status_code == 400 and error_of(response)["param"] == "metadata"


@pytest.mark.parametrize("wanted", ["bytes=0-1", "bytes=9-1", "bytes=999999-", "bytes=x", "x"])
def test_a_file_comes_whole_whatever_range_is_wanted(http, finished_job, wanted):
    path = f"/files/{finished_job.training_file}/content"
    response = http.get(path, headers={"Range": wanted})
    assert (response.status_code, response.content) == (200, http.get(path).content)
    assert response.headers["accept-ranges"] == "none"


def test_an_answer_before_the_end_of_the_body_closes_the_connection(server):
    """Else the client would send its next request into a connection that is being closed."""
    url = httpx2.URL(server.base_url)
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        head = f"POST /v1/files HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b"only the beginning")
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 401")
    assert "connection: close" in answer.lower()
