"""The hand-written gradients against finite differences and against PyTorch."""

import numpy as np
import pytest

from practice_server.engines.engine import Plan
from practice_server.engines.numpy_engine.adamw import AdamW
from practice_server.engines.numpy_engine.model import Batch
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.train import evaluate, loss_and_gradients


def mean_loss(model, examples):
    score = evaluate(model, examples)
    return score.loss / score.n_tokens


def numeric_derivative(model, examples, tensor, index, step=3e-6):
    """(loss(w + step) − loss(w − step)) / (2 · step)."""
    original, losses = tensor[index], []
    for sign in (1, -1):
        tensor[index] = original + sign * step
        losses.append(mean_loss(model, examples))
    tensor[index] = original
    return (losses[0] - losses[1]) / (2 * step)


def test_every_tensors_gradient_agrees_with_finite_differences(make_engine, examples):
    model = make_engine(dtype=np.float64).model
    examples = examples[:2]
    gradients = Parameters(model.config, np.float64)
    loss_and_gradients(model, examples, gradients)
    random = np.random.default_rng(0)
    for name, tensor in model.weights.tensors.items():
        # The steepest place, where a mistake would show most, and some at random.
        steepest = np.unravel_index(np.abs(gradients.tensors[name]).argmax(), tensor.shape)
        drawn = [tuple(random.integers(0, tensor.shape)) for _ in range(5)]
        for index in [steepest, *drawn]:
            numeric = numeric_derivative(model, examples, tensor, index)
            assert gradients.tensors[name][index] == pytest.approx(numeric, abs=1e-8), name


def torch_loss(torch, llama, examples):
    """Mean loss over the tokens trained on, examples padded to one length."""
    sequences = [sequence for example in examples for sequence in example.sequences]
    length = max(len(sequence.tokens) for sequence in sequences)
    tokens = torch.zeros(len(examples), length, dtype=torch.long)
    labels = torch.full((len(examples), length), -100)
    for row, (numbers, trained_on) in enumerate(sequences):
        n = len(numbers)
        tokens[row, :n] = torch.tensor(numbers)
        labels[row, :n] = torch.where(torch.tensor(trained_on), tokens[row, :n], -100)
    return llama(tokens, labels=labels).loss


def test_logits_loss_and_gradients_agree_with_pytorch(
    make_engine, examples, torch, as_transformers
):
    engine = make_engine(dtype=np.float64)
    llama = as_transformers(engine)

    batch = Batch.of(examples[0].sequences)
    logits = llama(torch.tensor([examples[0].sequences[0].tokens])).logits[0].detach().numpy()
    ours = engine.model.forward_batch(batch)
    np.testing.assert_allclose(ours, logits[batch.rows], rtol=1e-5, atol=1e-5)

    loss = torch_loss(torch, llama, examples)
    loss.backward()
    gradients = Parameters(engine.model.config, np.float64)
    score = loss_and_gradients(engine.model, examples, gradients)
    assert score.loss / score.n_tokens == pytest.approx(loss.item(), rel=1e-6)
    for name, parameter in llama.named_parameters():
        expected = parameter.grad.numpy()
        np.testing.assert_allclose(gradients.tensors[name], expected, atol=1e-6, err_msg=name)


def test_adamw_agrees_with_pytorchs(torch):
    random = np.random.default_rng(0)
    weights = random.normal(size=50_000)
    decayed = torch.nn.Parameter(torch.from_numpy(weights[:40_000].copy()))
    plain = torch.nn.Parameter(torch.from_numpy(weights[40_000:].copy()))
    theirs = torch.optim.AdamW(
        [{"params": [decayed]}, {"params": [plain], "weight_decay": 0.0}], weight_decay=0.01
    )
    ours = AdamW(weights, n_decayed=40_000)
    for step in range(5):
        gradient = random.normal(size=len(weights))
        for group in theirs.param_groups:
            group["lr"] = 1e-2 / (step + 1)
        decayed.grad = torch.from_numpy(gradient[:40_000])
        plain.grad = torch.from_numpy(gradient[40_000:])
        theirs.step()
        ours.step(gradient * 2, 1e-2 / (step + 1), clip=0.5)
    expected = torch.cat([decayed, plain]).detach().numpy()
    np.testing.assert_allclose(weights, expected, rtol=1e-9, atol=1e-12)


def test_a_run_of_training_agrees_with_pytorch(make_engine, examples, torch, as_transformers):
    """Batches of one, clipping, decay and falling rate together, over three epochs."""
    engine = make_engine(dtype=np.float64)
    llama = as_transformers(engine)
    plan = Plan(n_epochs=3, batch_size=len(examples), learning_rate_multiplier=2.0, seed=0)
    ours = [step.metrics["train_loss"] for step in engine.train(examples, [], plan)]

    norms = [p for n, p in llama.named_parameters() if "norm" in n]
    matrices = [p for n, p in llama.named_parameters() if "norm" not in n]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": norms, "weight_decay": 0.0}]
    )
    theirs = []
    for number in range(3):
        loss = torch_loss(torch, llama, examples)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(llama.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = 6e-3 * (1 - number / 3)
        optimizer.step()
        theirs.append(loss.item())
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert ours[-1] < ours[0]
