"""Model folders: written, read, and refused with a word on what does not fit."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from practice_server.engines.engine import Plan
from practice_server.engines.numpy_engine.engine import NumpyEngine


@pytest.fixture
def folder(engine, tmp_path):
    engine.save(tmp_path / "model")
    return tmp_path / "model"


def change_config(folder, **changes):
    path = folder / "config.json"
    config = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps(config), encoding="utf-8")


def test_a_saved_model_loads_again(engine, folder):
    loaded = NumpyEngine.load(folder)
    assert loaded.model.config == engine.model.config
    assert loaded.context == 64
    np.testing.assert_allclose(loaded.model.weights.flat, engine.model.weights.flat, rtol=1e-3)


def test_saving_what_was_loaded_gives_the_same_files(folder, tmp_path):
    NumpyEngine.load(folder).save(tmp_path / "again")
    for file in folder.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_a_trained_model_is_saved_as_trained(engine, examples, tmp_path):
    plan = Plan(n_epochs=1, batch_size=1, learning_rate_multiplier=1.0, seed=0)
    before = engine.model.weights.flat.copy()
    list(engine.train(examples, [], plan))
    engine.save(tmp_path)
    after = NumpyEngine.load(tmp_path).model.weights.flat
    np.testing.assert_allclose(after, engine.model.weights.flat, rtol=1e-3, atol=1e-6)
    assert np.abs(after - before).max() > 1e-3


def test_transformers_loads_the_folder(engine, folder):
    transformers = pytest.importorskip("transformers")
    llama, report = transformers.AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True
    )
    assert not any(report.values())
    assert llama.config.rope_parameters["rope_theta"] == engine.model.config.rope_theta
    assert llama.config.eos_token_id == engine.tokenizer.end


def test_a_folder_that_transformers_wrote_loads_here(engine, folder, tmp_path):
    transformers = pytest.importorskip("transformers")
    llama = transformers.AutoModelForCausalLM.from_pretrained(folder)
    llama.save_pretrained(tmp_path / "theirs")
    engine.tokenizer.save(tmp_path / "theirs")
    loaded = NumpyEngine.load(tmp_path / "theirs")
    assert loaded.model.config == engine.model.config


def test_a_wrong_shape_names_file_and_tensor(folder):
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.1.mlp.down_proj.weight"
    weights[name] = np.ascontiguousarray(weights[name].T)
    save_file(weights, folder / "model.safetensors")
    expected = rf"model\.safetensors: the tensor {name} has shape \(24, 16\), .* \(16, 24\)"
    with pytest.raises(ValueError, match=expected):
        NumpyEngine.load(folder)


def test_a_missing_tensor_is_named(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ValueError, match="the tensor model.norm.weight is missing"):
        NumpyEngine.load(folder)


def test_a_tensor_too_many_is_named(folder):
    change_config(folder, num_hidden_layers=1)
    with pytest.raises(ValueError, match="asks for no tensor model.layers.1."):
        NumpyEngine.load(folder)


def test_a_damaged_weights_file_is_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        NumpyEngine.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "gpt2"),
        ("tie_word_embeddings", False),
        ("hidden_act", "gelu"),
        ("rope_scaling", {"rope_type": "linear", "factor": 2.0}),
        ("num_key_value_heads", 1),
        ("num_attention_heads", 3),
    ],
)
def test_a_model_that_this_engine_cannot_run_is_refused(folder, key, value):
    change_config(folder, **{key: value})
    with pytest.raises(ValueError, match=rf"config\.json: .*{key}"):
        NumpyEngine.load(folder)


def test_a_missing_size_is_named(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["hidden_size"]
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json: a key is missing .*hidden_size"):
        NumpyEngine.load(folder)


def test_the_tokenizer_must_fit_the_model(engine, folder):
    ranks = folder / "tokenizer.tiktoken"
    lines = ranks.read_text(encoding="utf-8").splitlines(keepends=True)
    ranks.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(ValueError, match="the tokenizer has 262 tokens, but vocab_size"):
        NumpyEngine.load(folder)
