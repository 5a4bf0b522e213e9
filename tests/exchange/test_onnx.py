#!/usr/bin/python3
"""ONNX files, by onnx.checker with shape inference.

    python3 test_onnx.py BUILD
"""

from common import Sample, need

need("onnx")
import onnx

MODELS = {
    "lenet5": (28, 28, 1), "lenet5_1998": (28, 28, 1), "four_layer_cnn": (28, 28, 1), "alexnet": (67, 67, 3), "alexnet_as_coded": (67, 67, 3),
    "cuda_convnet_80sec": (32, 32, 3), "cuda_convnet_19pct": (32, 32, 3), "cuda_convnet_18pct": (32, 32, 3),
}


def sizes(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def main():
    for name, (height, width, channels) in MODELS.items():
        sample = Sample(name, height, width, channels, "onnx")
        path = sample.path("onnx")
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        assert model.ir_version == 7 and model.producer_name == "reprise"
        assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
        graph = model.graph
        assert [(i.name, sizes(i)) for i in graph.input] == [("input", ["N", channels, height, width])]
        assert [(o.name, sizes(o)) for o in graph.output] == [("logits", ["N", 10])]
        operators = sorted({node.op_type for node in graph.node})
        assert "Transpose" not in operators
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        known = {value.name: sizes(value) for value in inferred.graph.value_info}
        assert len(known) == len(graph.node) - 1 and all(known.values()), known
        print(f"{name}: {path.stat().st_size} bytes, {len(graph.node)} nodes: {' '.join(operators)}")


if __name__ == "__main__":
    main()
