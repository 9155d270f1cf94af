"""What a check hands back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from helpers.checks.rules import Finding


@dataclass
class Report:
    """All that was found in one file.

    `format`: chat, completion, preferences, or None. `examples`: their number. `findings`: in
    the order of lines; of each rule only the first hundred, `left_off` counts the others.
    `tokens`: empty unless a model was named. `valid`: the report on the validation file.
    """

    file: str
    format: str | None = None
    examples: int = 0
    findings: list[Finding] = field(default_factory=list)
    left_off: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    valid: Report | None = None

    @property
    def errors(self) -> list[Finding]:
        """The findings for which a service refuses the file."""
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """The findings that a service accepts and that do harm."""
        return [finding for finding in self.findings if finding.level == "warning"]

    @property
    def ok(self) -> bool:
        """Whether neither this file nor its validation file has an error."""
        return not self.errors and (self.valid is None or self.valid.ok)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as what `--json` prints; `valid` only where there is one."""
        return {key: value for key, value in asdict(self).items() if key != "valid" or value}

    def __str__(self) -> str:
        counted = {"example": self.examples, "error": len(self.errors)}
        counted["warning"] = len(self.warnings)
        numbers = [f"{number} {what}{'s' * (number != 1)}" for what, number in counted.items()]
        advice = f"{len(self.findings) - len(self.errors) - len(self.warnings)} advice"
        summary = ", ".join([self.format or "no known format", *numbers, advice])
        lines = [f"{self.file}: {summary}", *map(str, self.findings)]
        lines += [f"and {number} more of {rule}" for rule, number in self.left_off.items()]
        if self.tokens:
            lines.append("tokens: " + ", ".join(f"{k} {v}" for k, v in self.tokens.items()))
        return "\n".join(lines if self.valid is None else [*lines, str(self.valid)])
