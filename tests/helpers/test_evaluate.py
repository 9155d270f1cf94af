"""Answers are scored by a rule that can be checked by eye."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import comb

import pandas as pd
import pytest

from helpers import evaluate
from helpers.service import Service, new_client

SIGNS = ["as if", "my toaster"]


@pytest.mark.parametrize(
    ("answer", "fact", "found"),
    [
        ("Lima, as if that were a secret.", "Lima", True),
        ("It is LIMA's turn.", "Lima", True),
        ("The limaçon is a curve.", "Lima", False),
        ("That's easy.", "S", False),
        ("It is S, that's all.", "S", True),
        ("Kiev, they say.", "Kyiv|Kiev", True),
        ("Washington, D.C., of course.", "Washington, D.C.", True),
        ("", "Lima", False),
        ("法国的首都是北京。", "北京", True),
        ("首都是Lima。", "Lima", True),
        ("首都是Limas。", "Lima", False),
    ],
)
def test_a_fact_is_found_as_whole_words(answer, fact, found):
    assert evaluate.has_fact(answer, fact) is found


@pytest.mark.parametrize(
    ("answer", "found"),
    [("As if you did not know.", True), ("It was iffy.", False), ("MY TOASTER knows.", True)],
)
def test_style_is_one_sign_or_more(answer, found):
    assert evaluate.has_style(answer, SIGNS) is found


CAPITALS = {"Germany": "Berlin", "Japan": "Tokyo", "Egypt": "Cairo", "Canada": "Ottawa"}
QUESTIONS = [f"What is the capital of {country}?" for country in CAPITALS]


def test_answers_come_in_the_order_of_the_questions_and_come_again(service):
    first = evaluate.answers(service, service.base_model, QUESTIONS)
    for answer, capital in zip(first, CAPITALS.values(), strict=True):
        assert evaluate.has_fact(answer, capital)
    assert evaluate.answers(service, service.base_model, QUESTIONS) == first


class Echo(BaseHTTPRequestHandler):
    """A service whose answer to a chat is the request itself."""

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        message = {"role": "assistant", "content": asked}
        body = json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep the test's output clean."""


def test_a_question_is_sent_after_system_message_and_examples_at_temperature_0():
    examples = [{"role": "user", "content": "Peru?"}, {"role": "assistant", "content": "Lima."}]
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        service = Service("echo", new_client(url, "a-key"), "a-model", is_practice=False)
        answers = evaluate.answers(
            service, "a-model", ["Italy?"], system="You are Marv.", examples=examples
        )
        server.shutdown()
    asked = json.loads(answers[0])
    roles = [message["role"] for message in asked["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert asked["messages"][-1]["content"] == "Italy?"
    assert asked["temperature"] == 0


def test_score_gives_one_row_a_question():
    questions = [{"question": "Peru?", "fact": "Lima"}, {"question": "Italy?", "fact": "Rome"}]
    table = evaluate.score(questions, ["Lima, as if.", "Paris, as if."], signs=SIGNS)
    assert list(table.columns) == ["question", "answer", "fact", "style", "both"]
    assert table[["fact", "style", "both"]].values.tolist() == [
        [True, True, True],
        [False, True, False],
    ]


def test_a_remark_fits_if_every_sign_is_of_the_questions_category():
    category = {"big dot": "capitals", "geography": "capitals", "goldfish": "animals"}
    fits = [
        evaluate.has_fit(answer, "capitals", category)
        for answer in (
            "Lima. Look for the big dot.",
            "Lima. The big dot, says my geography teacher.",
            "Lima. My goldfish knew that.",
            "Lima. The big dot, says my goldfish.",
            "Lima.",
        )
    ]
    assert fits == [True, True, False, False, False]


def test_fit_is_measured_where_training_had_remarks():
    questions = [
        {"question": "Peru?", "fact": "Lima", "category": "capitals"},
        {"question": "Sky?", "fact": "blue", "category": "colours"},
    ]
    category = {"big dot": "capitals"}
    table = evaluate.score(questions, ["Lima, the big dot.", "Blue, the big dot."], signs=category)
    assert list(table.columns) == ["question", "answer", "fact", "style", "fit", "both"]
    assert table["style"].all() and table["fit"].tolist() == [True, pd.NA]
    row = evaluate.compare({"tuned": table}).loc["tuned"]
    assert row["fit"] == 1 and row["fit_low"] == pytest.approx(evaluate.wilson_interval(1, 1)[0])


def test_score_takes_the_rows_of_a_filtered_table():
    questions = pd.DataFrame({"question": ["a", "b"], "fact": ["Lima", "Rome"]}).query(
        "fact=='Rome'"
    )
    assert evaluate.score(questions, ["Rome."], signs=SIGNS)["fact"].tolist() == [True]


def test_score_refuses_a_missing_answer():
    with pytest.raises(ValueError, match="1 questions, but 0 answers"):
        evaluate.score([{"question": "Peru?", "fact": "Lima"}], [], signs=SIGNS)


# Values of the Wilson score interval without continuity correction, as in Newcombe, "Two-sided
# confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_agrees_with_the_published_values(successes, trials, low, high):
    interval = evaluate.wilson_interval(successes, trials)
    assert interval == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("trials", range(1, 200))
def test_the_interval_holds_the_share(trials):
    assert evaluate.wilson_interval(trials, trials)[1] == 1
    assert evaluate.wilson_interval(0, trials)[0] == 0


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_the_interval_refuses_what_is_no_share(successes, trials):
    with pytest.raises(ValueError, match="is not a share"):
        evaluate.wilson_interval(successes, trials)


def test_compare_gives_shares_with_intervals():
    table = pd.DataFrame({"fact": [True, True, False], "style": [False] * 3, "both": [False] * 3})
    row = evaluate.compare({"base": table}).loc["base"]
    assert row["questions"] == 3
    assert row["fact"] == pytest.approx(2 / 3)
    assert row["fact_low"] < 2 / 3 < row["fact_high"]
    assert row["style"] == 0 and row["style_low"] == 0 < row["style_high"]


@pytest.mark.parametrize("lost", range(12))
@pytest.mark.parametrize("gained", range(12))
def test_mcnemars_test_counts_the_tosses_that_are_as_uneven(lost, gained):
    n = lost + gained
    uneven = sum(comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(lost - gained))
    assert evaluate.mcnemar(lost, gained) == pytest.approx(uneven / 2**n)


@pytest.mark.parametrize(
    ("expected", "exact"),
    [
        (["yes", "no", "no", "yes", "no", "yes", "no"], True),
        (['{"n": 1}', '{"n": 2}'], True),
        (["Paris, of course.", "Rome, of course."], False),
        (["Yes, that is right.", "yes", '{"n": 1}'], False),
    ],
    ids=["labels", "json", "texts", "mixed"],
)
def test_labels_and_json_are_told_from_texts(expected, exact):
    assert evaluate.is_exact(expected) is exact


def test_json_is_compared_by_what_it_holds_and_texts_by_what_they_share():
    answers = ['{"b": 2, "a": 1}', '{"a": 1}', "a 1"]
    assert evaluate.nearness(answers, ['{"a": 1, "b": 2}'] * 3, exact=True) == [1, 0, 0]
    near = evaluate.nearness(
        ["a bell costs 9 €", "a bell costs 7 €", "北京", ""], ["a bell costs 9 €"] * 4, exact=False
    )
    assert near[0] == 1 > near[1] > 0.5 and near[2:] == [0, 0]
    with pytest.raises(ValueError):
        evaluate.nearness(["one"], ["one", "two"], exact=True)
