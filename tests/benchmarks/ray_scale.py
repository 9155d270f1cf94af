"""How time and cost grow with the number of actors that train one job on a Ray cluster.

    python -m tests.benchmarks.ray_scale FOLDER [--batch-size 8] [--tokens 64] [--steps 8]

FOLDER is a model folder of the transformers engine. One and two actors are measured, on a cluster
of this machine that the program starts and ends. More are reckoned from these: of a step, the
calculation is shared by all actors, and the exchange of gradients takes as long as a ring of them
needs, which passes on 2 (N - 1) / N times their size:

    step(N) = step(1) / N + exchange * 2 * (N - 1) / N,  exchange = step(2) - step(1) / 2
"""

import argparse
import os
import time
from pathlib import Path

from practice_server.engines.engine import Example, Plan, TokenSequence
from tests.cluster.head import running_head, settings

MEASURED, RECKONED = (1, 2), (4, 8)
STEPS_OF_A_JOB = 180


def main():
    options = _options()
    os.environ.update(settings())  # before Ray is imported
    started, first, step = {}, {}, {}
    with running_head() as head:
        for n in MEASURED:
            started[n], first[n], step[n] = measure(head.address, n, options)
    exchange = max(0.0, step[2] - step[1] / 2)
    print(f"Batches of {options.batch_size} examples of {options.tokens} tokens, an adapter:\n")
    print(f"| actors | seconds a step | {STEPS_OF_A_JOB} steps, minutes | processor minutes | |")
    print("| ---: | ---: | ---: | ---: | --- |")
    for n in MEASURED + RECKONED:
        seconds = step.get(n) or step[1] / n + exchange * 2 * (n - 1) / n
        minutes = (started[min(n, 2)] + STEPS_OF_A_JOB * seconds) / 60
        how = "measured" if n in step else "reckoned"
        print(f"| {n} | {seconds:.2f} | {minutes:.1f} | {n * minutes:.1f} | {how} |")
    print()
    for n in MEASURED:
        print(f"{n} actor(s): ready after {started[n]:.1f} s, first step {first[n]:.1f} s")
    print(f"exchange of gradients between two: {exchange:.2f} s a step")


def measure(address, n_actors, options):
    """Seconds until actors have model and data, of the first step, and of the fastest later."""
    import ray

    from practice_server.engines.cluster import Cluster
    from practice_server.engines.on_ray import OnRay

    tokens = [100 + place % 200 for place in range(options.tokens)]
    learnt = [False] * (options.tokens // 2) + [True] * (options.tokens - options.tokens // 2)
    examples = [Example([TokenSequence(tokens, learnt)])] * options.batch_size
    plan = Plan(options.steps + 1, options.batch_size, learning_rate_multiplier=1.0, seed=1)
    moments = [time.perf_counter()]
    steps = OnRay(options.folder, Cluster(address, n_actors)).train(examples, [], plan)
    moments.append(time.perf_counter())
    for _ in steps:
        moments.append(time.perf_counter())
    ray.shutdown()
    until, first, *later = [end - begin for begin, end in zip(moments, moments[1:], strict=False)]
    return until, first, min(later)  # whatever else the machine does, it only adds


def _options():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ray_scale")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64, help="of each example")
    parser.add_argument("--steps", type=int, default=8, help="after the first")
    return parser.parse_args()


if __name__ == "__main__":
    main()
