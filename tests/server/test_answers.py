"""The server's end of the pipe to the process that answers."""

import asyncio
import sys

from practice_server.answers import Child


def test_a_child_killed_in_the_middle_of_a_line():
    """Half a line is no part of an answer, and whoever waits learns that no more comes."""
    program = """if 1:
        import sys
        print('{"id": 1, "text": "whole"}')
        sys.stdout.write('{"id": 1, "te')
    """

    async def ask():
        pipe = asyncio.subprocess.PIPE
        child = Child(
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, stdin=pipe, stdout=pipe
            )
        )
        async with asyncio.timeout(30):
            return [part async for part in child.ask(1, {})]

    assert asyncio.run(ask()) == [{"id": 1, "text": "whole"}]
