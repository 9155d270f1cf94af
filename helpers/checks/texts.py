"""Rules on any text: what should not be sent to a service, and what a model would give away."""

import re
from collections.abc import Iterator

from helpers.checks.rules import Finding, warning
from helpers.tokens import PIECE

# fmt: off
# Every repetition has a bound, so that no text makes a search slow; ASCII, so that a Chinese
# character beside an address is no part of it.
SECRET = re.compile(
    r"\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI and others
    r"|\bAKIA[A-Z0-9]{16}\b"  # Amazon
    r"|\bAIza[A-Za-z0-9_-]{35}\b"  # Google
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}"  # GitHub
    r"|\bglpat-[A-Za-z0-9_-]{20,}"  # GitLab
    r"|\bhf_[A-Za-z0-9]{30,}\b"  # Hugging Face
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]"  # JSON Web Token
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    re.ASCII,
)
# RFC 2606 and 6761 keep the names example, test, invalid and localhost for examples.
E_MAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?!(?:[\w-]{1,63}\.){0,5}"
    r"(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)\b(?!\.))"
    r"(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}\b",
    re.ASCII,
)
# A country code, brackets round an area code, the North American form, a Chinese mobile.
# 555-01xx is kept for examples.
PHONE = re.compile(
    r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}"
    r"|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-(?!555-01)\d{3}-\d{4}|1[3-9]\d{9})(?![\w-])",
    re.ASCII,
)
# Whatever the patterns above find has one of these within. The first set makes the search quick.
SUSPECT = re.compile(
    r"[-1@+_JKz](?:(?<=[@+_])|(?<=-)(?=[-0-9])|(?<=1)(?=[3-9][0-9]{9})"
    r"|(?<=sk-)|(?<=glpat-)|(?<=xox.-)|(?<=eyJ)|(?<=AK)|(?<=AIz))"
)



def is_harmless(text: str) -> bool:
    """Say whether no rule on texts can find fault with `text`; spares time, as most are so."""
    return len(text) <= PIECE and SUSPECT.search(text) is None


def in_text(text: str) -> Iterator[Finding]:
    """Yield what is wrong with any text of a message, prompt or completion."""
    if key := SECRET.search(text):
        yield warning("secret", "", f"looks like a key: {key[0]:.8}…",
                      "take it out, and have it replaced where it was issued: "
                      "it has been in a file")
    if address := E_MAIL.search(text):
        yield warning("e_mail_address", "", f"an e-mail address: {address[0]:.2}…",
                      "put an invented one at example.com; a tuned model may repeat it to anybody")
    if number := PHONE.search(text):
        yield warning("phone_number", "", f"looks like a phone number: {number[0]:.4}…",
                      "put an invented one (555-0100); a tuned model may repeat it to anybody")
    runs = re.finditer(r"\w+|\s+|[^\w\s]+", text) if len(text) > PIECE else ()
    if any(len(run[0]) > PIECE for run in runs):
        yield warning("unbroken_text", "", f"more than {PIECE:,} characters without a break",
                      "shorten it, or put spaces between its words; tokenizers fail on such texts")
