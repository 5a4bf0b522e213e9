"""Weights in the files of other programs: written, read by others, and read back to the same bits."""

import importlib.util
import tempfile
import unittest
from pathlib import Path

from support import TestCase
import numpy as np
import reprise
from reprise import _reprise, layers, models

IMAGES = np.random.default_rng(1).random((4, 28, 28, 1), dtype=np.float32)
FILES = {"npz": "w.npz", "safetensors": "w.safetensors", "keras": "w.weights.h5"}


class Exchange(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_what_is_written_is_read_back_to_the_same_bits(self):
        model = models.lenet5(seed=1)
        for format, name in FILES.items():
            for given in (None, format):
                with self.subTest(format, given=given):
                    model.save_weights(self.folder / name, given, force=given is not None)
                    other = models.lenet5(seed=2)
                    self.assertEqual(other.load_weights(self.folder / name), [])
                    for one, two in zip(model.get_weights(), other.get_weights()):
                        self.assert_same_bits(one, two)
                    self.assert_same_bits(model.predict(IMAGES), other.predict(IMAGES))

    def test_numpy_and_h5py_read_it_by_name(self):
        model = models.lenet5(seed=1)
        weight, bias = model.get_weights()[:2]
        model.save_weights(self.folder / "w.npz")
        with np.load(self.folder / "w.npz") as file:
            self.assert_same_bits(file["conv1.weight"], weight)
            np.savez(self.folder / "changed.npz", **{**file, "conv1.bias": np.full(6, np.nan, np.float32)})
        notes = model.load_weights(self.folder / "changed.npz")
        self.assertEqual(len(notes), 1)
        self.assertIn("conv1", notes[0])
        self.assertTrue(np.isnan(model.get_weights()[1]).all())
        if importlib.util.find_spec("h5py"):
            import h5py

            models.lenet5(seed=1).save_weights(self.folder / "w.weights.h5")
            with h5py.File(self.folder / "w.weights.h5") as file:
                self.assert_same_bits(file["layers/conv2d/vars/0"][()], weight)
                self.assert_same_bits(file["layers/conv2d/vars/1"][()], bias)

    def test_a_model_of_layers_and_a_record(self):
        chain = [layers.Conv2d(3, 3), layers.ReLU(), layers.Flatten(), layers.Dense(4)]
        model = models.Sequential(chain, (6, 6, 1))
        model.save_weights(self.folder / "w.npz")
        other = models.Sequential(chain, (6, 6, 1), seed=2)
        other.load_weights(self.folder / "w.npz")
        self.assert_same_bits(model.get_weights()[0], other.get_weights()[0])
        trained = models.lenet5(seed=3)
        pixels = (IMAGES * 255).astype(np.uint8)
        trained.fit(pixels, [0, 1, 2, 3], epochs=1, batch_size=4, verbose=0).save(self.folder / "run.h5")
        other = models.lenet5(seed=4)
        other.load_weights(self.folder / "run.h5")
        self.assert_same_bits(trained.predict(IMAGES), other.predict(IMAGES))

    @unittest.skipUnless("onnx" in _reprise.export_formats(), "the library is built without ONNX")
    def test_onnx(self):
        path = self.folder / "lenet5.onnx"
        models.lenet5(seed=1).export(path)
        first = path.read_bytes()
        self.assertIn(b"logits", first)
        self.assertIn(models.lenet5(seed=1).get_weights()[-1].tobytes(), first)
        models.lenet5(seed=1).export(path, force=True)
        self.assertEqual(path.read_bytes(), first)
        with self.assert_line(ValueError, "lenet5.onnx", "exist"):
            models.lenet5(seed=1).export(path)

    def test_what_does_not_fit_is_refused_and_changes_nothing(self):
        model = models.lenet5(seed=1)
        before = [values.tobytes() for values in model.get_weights()]
        path = self.folder / "w.npz"
        models.lenet5(seed=2).save_weights(path)
        models.lenet5(classes=7).save_weights(self.folder / "seven.npz")
        models.four_layer_cnn((28, 28, 1)).save_weights(self.folder / "four.npz")
        (self.folder / "cut.npz").write_bytes(path.read_bytes()[:-400])
        (self.folder / "text.npz").write_text("no weights")
        for call, exception, *parts in (
            (lambda: model.load_weights(self.folder / "seven.npz"), ValueError, "seven.npz", "dense3", "(84,7)", "(84,10)"),
            (lambda: model.load_weights(self.folder / "four.npz"), ValueError, "four.npz"),
            (lambda: model.load_weights(self.folder / "cut.npz"), ValueError, "cut.npz"),
            (lambda: model.load_weights(self.folder / "text.npz"), ValueError, "text.npz"),
            (lambda: model.load_weights(self.folder / "none.npz"), ValueError, "none.npz"),
            (lambda: model.load_weights(3), TypeError, "load_weights: int"),
            (lambda: model.save_weights(path), ValueError, "w.npz", "exist"),
            (lambda: model.save_weights(self.folder / "w.bin"), ValueError, "w.bin", "safetensors"),
            (lambda: model.save_weights(self.folder / "w.bin", "pickle"), ValueError, "'pickle'", "npz"),
            (lambda: model.save_weights(3), TypeError, "int"),
        ):
            with self.subTest(parts=parts), self.assert_line(exception, *parts):
                call()
        self.assertEqual([values.tobytes() for values in model.get_weights()], before)
        self.assertFalse((self.folder / "w.bin").exists())


if __name__ == "__main__":
    unittest.main()
