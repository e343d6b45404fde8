#!/usr/bin/env python3
"""Embedding: the default model through the door beside the same weights in onnxruntime, over the paragraphs and questions of
XQuAD. The peer's graph is written from our own GGUF (a BERT of 12 layers), in 32-bit floats and with onnxruntime's dynamic
8-bit weights; tokens are counted within the time on both sides. Ours speaks HTTP and keeps a trace of each request."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from machine import cpu, say, table, venv, write
from served import SMALLEST, Served, test_data

PACKAGES = ("onnx", "onnxruntime", "gguf", "numpy", "tokenizers")
MODEL, BATCH, LONGEST = "multilingual-e5-small-q4", 16, 512


def texts(folder, passages):
    """Paragraphs in turn of five languages, and questions."""
    read = lambda language: json.loads((folder / f"xquad.{language}.json").read_text())["data"]
    each = [[paragraph for article in read(language) for paragraph in article["paragraphs"]] for language in ("en", "de", "es", "zh", "ar")]
    mixed = [paragraph for row in zip(*each) for paragraph in row]
    # Within 512 tokens in every language: what is longer the door refuses.
    cut = lambda text: text[:450] if "\u4e00" <= text[0] <= "\u9fff" else text[:900]
    return [cut(one["context"]) for one in mixed][:passages], [one["qas"][0]["question"] for one in mixed][: passages // 2]


def graph(path, weights, quantise):
    """The encoder as an ONNX file: tokens and a mask in, mean-pooled unit vectors out."""
    import onnx
    from gguf import GGUFReader, dequantize
    from onnx import TensorProto, helper, numpy_helper

    reader = GGUFReader(weights)
    tensors = {one.name: dequantize(one.data, one.tensor_type).reshape(tuple(reversed(one.shape.tolist()))) for one in reader.tensors}
    field = lambda name: reader.fields[f"bert.{name}"].contents()
    layers, heads, width = field("block_count"), field("attention.head_count"), field("embedding_length")
    nodes, constants, fresh = [], [], iter(range(10**6))

    def const(value, dtype=np.float32):
        name = f"c{next(fresh)}"
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
        return name

    def op(kind, *inputs, **attributes):
        name = f"n{next(fresh)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    weight = lambda name: const(tensors[f"{name}.weight"].T)
    linear = lambda x, name: op("Add", op("MatMul", x, weight(name)), const(tensors[f"{name}.bias"]))
    norm = lambda x, name: op("LayerNormalization", x, const(tensors[f"{name}.weight"]), const(tensors[f"{name}.bias"]), axis=-1, epsilon=1e-12)
    shape = const([0, 0, heads, width // heads], np.int64)
    split = lambda x, perm: op("Transpose", op("Reshape", x, shape), perm=perm)
    x = op("Gather", const(tensors["token_embd.weight"]), "tokens")
    x = op("Add", x, op("Gather", const(tensors["position_embd.weight"]), "places"))
    if "token_types.weight" in tensors:
        x = op("Add", x, const(tensors["token_types.weight"][0]))
    x = norm(x, "token_embd_norm")
    hidden = op("Unsqueeze", op("Unsqueeze", op("Mul", op("Sub", const(1), "mask"), const(-1e9)), const([1], np.int64)), const([1], np.int64))
    for layer in range(layers):
        name = lambda part: f"blk.{layer}.{part}"
        query, value = split(linear(x, name("attn_q")), [0, 2, 1, 3]), split(linear(x, name("attn_v")), [0, 2, 1, 3])
        key = split(linear(x, name("attn_k")), [0, 2, 3, 1])
        scores = op("Add", op("Mul", op("MatMul", query, key), const((width // heads) ** -0.5)), hidden)
        mixed = op("Transpose", op("MatMul", op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
        mixed = op("Reshape", mixed, const([0, 0, width], np.int64))
        x = norm(op("Add", x, linear(mixed, name("attn_output"))), name("attn_output_norm"))
        inner = linear(x, name("ffn_up"))
        inner = op("Mul", op("Mul", inner, const(0.5)), op("Add", op("Erf", op("Mul", inner, const(0.5**0.5))), const(1)))
        x = norm(op("Add", x, linear(inner, name("ffn_down"))), name("layer_output_norm"))
    mask = op("Unsqueeze", "mask", const([2], np.int64))
    total = op("ReduceSum", op("Mul", x, mask), const([1], np.int64), keepdims=0)
    mean = op("Div", total, op("ReduceSum", mask, const([1], np.int64), keepdims=0))
    nodes.append(helper.make_node("LpNormalization", [mean], ["vectors"], axis=-1, p=2))
    number = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
    inputs = [number("tokens"), number("places"), helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "length"])]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", width])]
    made = helper.make_graph(nodes, "encoder", inputs, outputs, constants)
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)]), path)
    if quantise:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(path, path, weight_type=QuantType.QInt8)


def tokenizer(weights):
    from gguf import GGUFReader
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    fields = GGUFReader(weights).fields
    of = lambda name: fields[f"tokenizer.ggml.{name}"].contents()
    pieces, begin, end = of("tokens"), of("bos_token_id"), of("eos_token_id")
    made = Tokenizer(models.Unigram(list(zip(pieces, map(float, of("scores")))), unk_id=of("unknown_token_id")))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)])
    made.enable_truncation(LONGEST)
    made.enable_padding(pad_id=of("padding_token_id"))
    return made


class Onnx:
    def __init__(self, path, made, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session, self.tokenizer = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]), made

    def embed(self, batch):
        encoded = self.tokenizer.encode_batch(batch)
        tokens = np.array([one.ids for one in encoded], np.int64)
        mask = np.array([one.attention_mask for one in encoded], np.float32)
        places = np.broadcast_to(np.arange(tokens.shape[1], dtype=np.int64), tokens.shape)
        return self.session.run(["vectors"], {"tokens": tokens, "places": np.ascontiguousarray(places), "mask": mask})[0]


class Ours:
    def __init__(self, door):
        self.door = door

    def embed(self, batch):
        _, content = self.door.answer("POST", "/v1/embeddings", json.dumps({"model": MODEL, "input": batch}))
        return np.array([row["embedding"] for row in json.loads(content)["data"]], np.float32)


def measure(name, system, passages, questions):
    """Texts a second in batches, and the median of one question; by length, as who fills batches would."""
    system.embed(passages[:BATCH])
    batches = sorted(passages, key=len)
    start = time.perf_counter()
    vectors = np.concatenate([system.embed(batches[at : at + BATCH]) for at in range(0, len(batches), BATCH)])
    rate, times = len(passages) / (time.perf_counter() - start), []
    for question in questions:
        start = time.perf_counter()
        system.embed([question])
        times.append((time.perf_counter() - start) * 1e3)
    row = {"system": name, "passages_a_second": round(rate, 1), "question_p50_ms": round(float(np.median(times)), 2)}
    say(row)
    return row, vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="64 passages")
    options = parser.parse_args()
    passages, questions = texts(test_data("xquad"), 64 if options.quick else options.passages)
    rows, vectors = [], {}
    with Served("--model", SMALLEST) as served:
        row, vectors["freehold"] = measure("freehold, 4 bits", Ours(served.door()), passages, questions)
        rows.append(row)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(os.environ.get("FREEHOLD__MODELS__DIR", Path.home() / ".cache/freehold/models"))
        weights = models / MODEL / f"{MODEL}.gguf"
        words = tokenizer(weights)
        for name, quantise in (("onnxruntime, 32 bits", False), ("onnxruntime, 8 bits", True)):
            path = f"{folder}/{'8' if quantise else '32'}.onnx"
            graph(path, weights, quantise)
            row, vectors[name] = measure(name, Onnx(path, words, os.cpu_count()), passages, questions)
            rows.append(row)
    exact = vectors["onnxruntime, 32 bits"]
    for row, mine in zip(rows, vectors.values()):
        row["cosine_to_32_bits"] = round(float(np.median((mine * exact).sum(1))), 5)
    table(rows, ["system", "passages_a_second", "question_p50_ms", "cosine_to_32_bits"])
    write("embedding", {"cpu": cpu(), "model": MODEL, "passages": len(passages), "batch": BATCH, "load": os.getloadavg(), "rows": rows})


if __name__ == "__main__":
    python = venv("embedding", *PACKAGES)
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [python, *sys.argv])
    import numpy as np

    main()
