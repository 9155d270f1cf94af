"""The server's end of the pipe to the process that answers."""

import asyncio
import sys

import pytest

from practice_server.asking.client import Child

KILLED_IN_A_LINE = """
import sys
print('{"id": 1, "text": "whole"}')
sys.stdout.write('{"id": 1, "te')
"""
SAYS_WHAT_IS_NO_JSON = """
import sys
print('{"id": 1, "text": "whole"}')
print('Hello!', flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("program", [KILLED_IN_A_LINE, SAYS_WHAT_IS_NO_JSON])
def test_a_child_that_breaks_off(program):
    """Nothing but whole parts is passed on, and whoever waits learns that no more comes."""

    async def ask():
        pipe = asyncio.subprocess.PIPE
        child = Child(
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, stdin=pipe, stdout=pipe
            )
        )
        async with asyncio.timeout(30):
            parts = [part async for part in child.ask(1, {})]
            await child.end()
        return parts

    assert asyncio.run(ask()) == [{"id": 1, "text": "whole"}]
