"""Models: training to the published digests, weights, predictions, records, and what is refused."""

import hashlib
import os
import pickle
import re
import signal
import tempfile
import threading
import tomllib
import tracemalloc
import unittest
import unittest.mock
from pathlib import Path

from support import TestCase
import numpy as np
import reprise
from reprise import _reprise, models

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
DIGESTS = tomllib.loads((FIXTURES / "digests.toml").read_text())


def published(name):
    return DIGESTS[name]["digest"].removeprefix("sha256:")


DATA = reprise.load_dataset(FIXTURES / "fashion-mnist")
IMAGES, LABELS = DATA.train
TWO_STEPS = dict(epochs=1, batch_size=20, block_size=6, train_images=32)


def settings_of(command):
    """The settings of a run of train_lenet5, with the types that they have in Python."""
    settings = {}
    for name, value in re.findall(r"--([a-z0-9-]+) (\S+)", command):
        if re.fullmatch(r"\d+", value) and name != "lr-milestones":
            value = int(value)
        elif re.fullmatch(r"\d+\.\d+", value):
            value = float(value)
        settings[name.replace("-", "_")] = value
    del settings["data"]
    return settings


def trained(threads=1, **settings):
    settings = dict(settings)
    name = settings.pop("model", "lenet5")
    model = getattr(models, name)((28, 28, 1), **settings)
    fitting = {key: settings.pop(key) for key in ("epochs", "batch_size")}
    held_out = settings.get("holdout", 0)
    data = reprise.load_dataset(FIXTURES / "fashion-mnist", holdout=held_out) if held_out else DATA
    return model, model.fit(data, threads=threads, verbose=False, **fitting)


class HeldOut(TestCase):
    def test_the_last_training_images_are_the_validation_data(self):
        data = reprise.load_dataset(FIXTURES / "fashion-mnist", holdout=500)
        np.testing.assert_array_equal(data.test[0], IMAGES[-500:])
        np.testing.assert_array_equal(data.test[1], LABELS[-500:])
        np.testing.assert_array_equal(data.train[1], LABELS[:-500])
        history = models.lenet5(seed=1).fit(data, holdout=500, verbose=False, **TWO_STEPS)
        alone = models.lenet5(seed=1).fit(DATA, verbose=False, **TWO_STEPS)
        self.assertEqual(history.history["loss"], alone.history["loss"])
        self.assertEqual(history.record["configuration"].attributes["holdout"], 500)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run.h5")
            history.save(path)
            self.assertEqual(reprise.verify(path, FIXTURES / "fashion-mnist").verdict, "identical")
        with self.assertRaisesRegex(ValueError, "setting holdout: 0; expected 500"):
            models.lenet5(seed=1).fit(data, verbose=False, **TWO_STEPS)
        with self.assertRaisesRegex(ValueError, "holdout"):
            reprise.load_dataset(FIXTURES / "fashion-mnist", holdout=2000)
        with self.assertRaisesRegex(ValueError, "holdout"):
            reprise.load_dataset(FIXTURES / "fashion-mnist", holdout=-1)


class Inputs(TestCase):
    def test_crops_less_the_mean_image(self):
        settings = dict(crop=24, subtract="mean_image", pixel_max=255, test_views=10)
        model = models.lenet5(seed=1, **settings)
        history = model.fit(DATA, learning_rate=1e-5, verbose=False, **TWO_STEPS)
        mean = IMAGES[:32, 2:26, 2:26].astype(np.float64).mean(axis=0).astype(np.float32)
        np.testing.assert_allclose(history.record["model/mean_image"], mean, rtol=1e-6)
        self.assertEqual(model.predict(np.zeros((1, 24, 24, 1), np.float32)).shape, (1, 10))
        with self.assertRaisesRegex(ValueError, "images of 28x28x1; expected 24x24x1"):
            model.evaluate(*DATA.test)
        with self.assertRaisesRegex(ValueError, "predict: bytes for a model with crop"):
            model.predict(DATA.test[0][:1, :24, :24])
        with self.assertRaisesRegex(ValueError, "crop = 24"):
            models.lenet5(seed=1).fit(DATA, crop=24, verbose=False, **TWO_STEPS)

    def test_layers_have_settings_of_their_own(self):
        model = models.lenet5(seed=1, layers="conv1.weight_value=0.25")
        self.assertTrue((model.get_weights()[0] == 0.25).all())
        model = models.lenet5(seed=1)
        before = model.get_weights()
        model.fit(DATA, layers="all.weight_lr=0 all.bias_lr=0", verbose=False, **TWO_STEPS)
        for a, b in zip(before, model.get_weights()):
            np.testing.assert_array_equal(a, b)
        with self.assertRaisesRegex(ValueError, 'layer "conv9" of lenet5'):
            models.lenet5(layers="conv9.weight_lr=1")


class Digests(TestCase):
    def test_a_run_has_the_digest_of_train_lenet5(self):
        runs = [
            name
            for name, table in DIGESTS.items()
            if re.search("train_lenet5 --data fixtures/fashion-mnist", table.get("command", ""))
        ]
        self.assertGreaterEqual(len(runs), 4)
        seeds = set()
        for name in runs:
            settings = settings_of(DIGESTS[name]["command"])
            settings.setdefault("batch_size", 128)
            seeds.add(settings["seed"])
            for threads in (1, 2):
                with self.subTest(name, threads=threads):
                    self.assertEqual(trained(threads, **settings)[1].digest, published(name))
        self.assertGreaterEqual(len(seeds), 3)


class Weights(TestCase):
    def test_set_weights_pickle_and_predict(self):
        model, _ = trained(**TWO_STEPS)
        other = models.lenet5(seed=2)
        expected = model.predict(IMAGES[:300])
        self.assertFalse(np.array_equal(other.predict(IMAGES[:300]), expected))
        other.set_weights(model.get_weights())
        copy = pickle.loads(pickle.dumps(model))
        for same in (other, copy):
            self.assert_same_bits(same.predict(IMAGES[:300], threads=2), expected)
        np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
        one = np.concatenate([model.predict(IMAGES[i : i + 1]) for i in range(5)])
        self.assert_same_bits(one, expected[:5])
        self.assert_same_bits(model.predict(IMAGES[:5] / np.float32(255)), expected[:5])

    def test_weights_are_copies(self):
        model = models.lenet5()
        model.get_weights()[0][:] = 7
        self.assertLess(abs(model.get_weights()[0]).max(), 7)
        self.assertEqual([w.shape for w in model.get_weights()][:4], [(5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,)])
        self.assertIn("61,706", model.summary())

    def test_a_pickled_new_model_still_trains_to_the_digest(self):
        model = pickle.loads(pickle.dumps(models.lenet5(seed=1, train_images=32, block_size=6)))
        history = model.fit(DATA, epochs=1, batch_size=20, verbose=False)
        self.assertEqual(history.digest, published("lenet5_two_steps"))


class Arrays(TestCase):
    def test_every_form_of_images_and_labels_trains_alike(self):
        weights = []
        one_hot = np.eye(10)[LABELS[:60]]
        for x, y in ((IMAGES[:60], LABELS[:60]), (IMAGES[:60, :, :, 0], LABELS[:60].astype(int)),
                     (IMAGES[:60] / 255, one_hot), (IMAGES[:60] / np.float32(255), one_hot.astype(bool))):
            model = models.lenet5(seed=3)
            history = model.fit(x, y, epochs=1, batch_size=20, validation_data=(IMAGES[60:80], LABELS[60:80]), verbose=False)
            weights.append(np.concatenate([values.ravel() for values in model.get_weights()]))
        for other in weights[1:]:
            self.assert_same_bits(other, weights[0])
        loss, accuracy = model.evaluate(IMAGES[60:80], LABELS[60:80], threads=2)
        self.assertEqual(loss, history.history["val_loss"][-1])
        self.assertAlmostEqual(accuracy, history.history["val_accuracy"][-1])

    def test_floats_that_are_not_pixels_train_in_the_same_steps(self):
        # Pixels that count as 255 / 256 of what they are, and a first layer that makes up for it.
        x, y = IMAGES[:60] / np.float32(256), LABELS[:60]
        model = models.lenet5(seed=3)
        history = model.fit(x, y, 2, 25, (x[:20], y[:20]), verbose=False, threads=2)
        self.assertEqual(history.history["val_loss"][-1], model.evaluate(x[:20], y[:20])[0])
        again = models.lenet5(seed=3).fit(x.astype(float), y, 2, 25, verbose=False)
        self.assertEqual(again.history["loss"], history.history["loss"])
        near = models.lenet5(seed=3).fit(IMAGES[:60], y, 2, 25, verbose=False)
        np.testing.assert_allclose(history.history["loss"], near.history["loss"], rtol=0.05)
        self.assertNotEqual(history.history["loss"], near.history["loss"])
        for ask in (lambda: history.record, lambda: history.digest, lambda: history.save("x.h5")):
            with self.assert_line(ValueError, "not pixels / 255", "or floats equal to pixel / 255"):
                ask()

    def test_floats_are_searched_for_pixels_once_and_in_blocks(self):
        x = np.zeros((3000, 28, 28, 1), np.float32)
        x[...] = np.resize(np.arange(256, dtype=np.float32) / 255, x.shape)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for kind in (np.float32, np.float64):
            images = np.rint(x * 255).astype(kind) / kind(255)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            pixels = models._pixels(images)
            self.assertLess(tracemalloc.get_traced_memory()[1] - before, 2 * images.nbytes)
            np.testing.assert_array_equal(pixels, np.rint(x * 255))
            for place in (0, len(x) // 2, -1):
                for value in (0.3, -1 / 255, 256 / 255, np.nan, np.inf, 1e30):
                    other = images.copy()
                    other[place, 5, 5, 0] = value
                    self.assertIsNone(models._pixels(other), (place, value))
        self.assertEqual(models._pixels(images[:0]).shape, (0, 28, 28, 1))
        seen = []
        with unittest.mock.patch.object(models, "_pixels", lambda images, search=models._pixels: seen.append(0) or search(images)):
            models.lenet5().fit(images[:40], LABELS[:40], 1, 20, verbose=False)
            self.assertEqual(len(seen), 1)

    def test_an_accuracy_is_correct_over_all(self):
        model, y = models.lenet5(), LABELS[:20]
        right = int((model.predict(IMAGES[:20]).argmax(axis=1) == y).sum())
        self.assertEqual(model.evaluate(IMAGES[:20], y)[1], right / 20)
        y = model.predict(IMAGES[:20]).argmax(axis=1)
        for right in range(21):  # 1 - 19 / 20 is 0.050000000000000044
            labels = np.where(np.arange(20) < right, y, (y + 1) % 10)
            self.assertEqual(model.evaluate(IMAGES[:20], labels)[1], right / 20)
        shares = {i / 20 for i in range(21)}
        for scale in (255, 256):
            x = IMAGES[:20] / np.float32(scale)
            figures = models.lenet5(seed=2).fit(x, LABELS[:20], 8, 10, (x, LABELS[:20]), verbose=False).history
            self.assertLessEqual({*figures["accuracy"], *figures["val_accuracy"]}, shares)
        model = models.lenet5(seed=2, train_images=20)
        figures = model.fit(IMAGES[:1999], LABELS[:1999], 8, 10, (IMAGES[:20], LABELS[:20]), verbose=False).history
        self.assertLessEqual({*figures["accuracy"], *figures["val_accuracy"]}, shares)

    def test_keys_of_a_history_without_validation(self):
        history = models.lenet5().fit(IMAGES[:40], LABELS[:40], 1, 20, verbose=False)
        self.assertEqual(list(history.history), ["loss", "accuracy", "learning_rate"])
        self.assertEqual(len(history.digest), 64)

    def test_a_run_on_arrays_is_a_record_that_names_them_by_their_digests(self):
        model = models.lenet5(classes=2)
        history = model.fit(IMAGES[:40], LABELS[:40] % 2, epochs=1, batch_size=20, verbose=False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.h5"
            history.save(path)
            record = reprise.open(path)
        self.assertEqual(record.digest, history.digest)
        self.assertEqual(record["data/file_names"][0], "train_images")
        expected = hashlib.sha256(IMAGES[:40].tobytes()).hexdigest()
        self.assertEqual(record["data/file_sha256"][0], expected)

    def test_fit_goes_on(self):
        model = models.lenet5()
        told = []
        first = model.fit(IMAGES[:100], LABELS[:100], epochs=2, batch_size=50, verbose=False, callbacks=[told.append])
        second = model.fit(IMAGES[:100], LABELS[:100], epochs=2, batch_size=50, verbose=False)
        self.assertEqual([epoch["train_loss"] for epoch in told], first.history["loss"])
        self.assertLess(second.history["loss"][-1], first.history["loss"][0])
        self.assertEqual(len(first.digest), 64)
        with self.assert_line(ValueError, "trained before"):
            second.digest


class Records(TestCase):
    def test_a_record_is_saved_read_compared_and_verified(self):
        model, history = trained(**TWO_STEPS)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.h5"
            self.assertEqual(history.save(path), history.digest)
            with self.assert_line(ValueError, "run.h5", "exist", "force=True"):
                history.save(path)
            with self.assert_line(ValueError, "run.h5", "exist", "force=True"):
                model.save_weights(path, "npz")
            record = reprise.open(path)
            self.assertEqual({record.digest, reprise.digest(path), reprise.digest(record)}, {history.digest})
            self.assertEqual(reprise.compare(path, history.record), [])
            self.assertEqual(record["configuration"].attributes["train_images"], 32)
            self.assertEqual(record["history/train_loss"].tolist(), history.history["loss"])
            self.assertEqual(record["model/conv1"].dimensions("weight"), ("kernel_height", "kernel_width", "in_channels", "out_channels"))
            self.assert_same_bits(record["model/conv1/weight"], model.get_weights()[0])
            self.assert_same_bits(record["evaluation/logits"], model.predict(DATA.test[0], logits=True))
            verdict, findings = reprise.verify(path, DATA, threads=2)
            self.assertEqual(verdict, "identical", findings)
            other = trained(**{**TWO_STEPS, "seed": 2})[1].record
            self.assertIn("/configuration@seed", [place for place, _ in reprise.compare(record, other)])
            content = path.read_bytes()
            path.write_bytes(content[: content.rindex(b"\nsha256:")])
            with self.assert_line(ValueError, "run.h5", "no_checksum=True"):
                reprise.open(path)
            path.write_bytes(content[:-100])
            with self.assert_line(ValueError, "run.h5"):
                reprise.open(path)

    def test_digests_of_arrays(self):
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        self.assertEqual(reprise.digest(x), reprise.digest(np.asfortranarray(x)))
        digests = {reprise.digest(a) for a in (x, x.T, x.ravel(), x.astype(float), x.astype(np.uint8), -x)}
        self.assertEqual(len(digests), 6)
        with self.assert_line(TypeError, "dtype complex64", "float32"):
            reprise.digest(x.astype(np.complex64))


class OneCallAtATime(TestCase):
    """A model that is being trained takes no other parameters."""

    def test_a_callback_changes_no_parameters(self):
        for scale in (255, 256):  # a training run, and steps on floats
            with tempfile.TemporaryDirectory() as folder:
                model, path = models.lenet5(), Path(folder) / "weights.npz"
                model.save_weights(path)
                x, y = IMAGES[:40] / np.float32(scale), LABELS[:40]
                calls = {
                    "fit": lambda: model.fit(x, y, 1, 20, verbose=False),
                    "set_weights": lambda: model.set_weights(models.lenet5(seed=2).get_weights()),
                    "load_weights": lambda: model.load_weights(path),
                }

                def refused(epoch):
                    for name, call in calls.items():
                        with self.assert_line(ValueError, name + ": the model is being trained", "one call at a time"):
                            call()

                losses = model.fit(x, y, 2, 20, verbose=False, callbacks=[refused]).history["loss"]
                alone = models.lenet5().fit(x, y, 2, 20, verbose=False)
                self.assertEqual(losses, alone.history["loss"])
                with self.assertRaises(ZeroDivisionError):
                    model.fit(x, y, 2, 20, verbose=False, callbacks=[lambda epoch: 1 / 0])
                for call in calls.values():
                    call()

    def test_another_thread_changes_no_parameters(self):
        for scale in (255, 256):
            model, x, y = models.lenet5(), IMAGES[:40] / np.float32(scale), LABELS[:40]
            started, tried = threading.Event(), threading.Event()
            refused = []

            def other():
                started.wait(60)
                for call in (lambda: model.fit(x, y, 1, 20, verbose=False), lambda: model.set_weights(model.get_weights())):
                    try:
                        call()
                    except ValueError as error:
                        refused.append(str(error))
                tried.set()

            def wait(epoch):
                started.set()
                tried.wait(60)

            thread = threading.Thread(target=other)
            thread.start()
            model.fit(x, y, 1, 20, verbose=False, callbacks=[wait])
            thread.join()
            self.assertEqual([line.split(":")[0] for line in refused], ["fit", "set_weights"])


class Interrupts(TestCase):
    def test_control_c_stops_between_steps(self):
        # A program in the background of a shell ignores the signal.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, handler)
        model = models.lenet5()
        before = model.get_weights()[0]
        timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            model.fit(DATA, epochs=100000, verbose=False)
        self.assertFalse(np.array_equal(model.get_weights()[0], before))

    def test_an_exception_of_a_callback_is_passed_on(self):
        with self.assertRaises(ZeroDivisionError):
            models.lenet5().fit(IMAGES[:40], LABELS[:40], 5, 20, verbose=False, callbacks=[lambda epoch: 1 / 0])


MODEL = models.lenet5()


def fit(x=IMAGES[:40], y=LABELS[:40], **options):
    return lambda: MODEL.fit(x, y, **{"epochs": 1, "batch_size": 20, "verbose": False, **options})


CASES = [
    (fit(y=np.full(40, 10)), ValueError, "fit: label 10 of image 0", "0 to 9"),
    (fit(y=np.full(40, -1)), ValueError, "label -1"),
    (fit(y=np.full(40, 266)), ValueError, "label 266"),
    (fit(y=LABELS[:39]), ValueError, "39 labels"),
    (fit(y=LABELS[:40] + 0.5), TypeError, "labels of dtype float64"),
    (fit(y=np.ones((40, 10))), ValueError, "labels of shape (40, 10)"),
    (fit(y=None), TypeError, "labels of dtype object"),
    (fit(x=IMAGES[:40] / 255 * np.nan), ValueError, "infinite or NaN"),
    (fit(x=IMAGES[:40] / 256, random_shift=2), ValueError, "random_shift = 2", "pixels / 255"),
    (fit(x=IMAGES[:40] / 256, batch_size=41), ValueError, "batch_size = 41", "40"),
    (fit(x=IMAGES[:0] / 256, y=LABELS[:0]), ValueError, "no images"),
    (fit(x=IMAGES[:40] / 256, threads=0), ValueError, "threads = 0"),
    # what would make another model
    (fit(width=99), ValueError, "width = 99", "16, as the model was made"),
    (fit(without="conv2"), ValueError, "without = 'conv2'"),
    (fit(model="four_layer_cnn"), ValueError, "model = 'four_layer_cnn'"),
    (fit(seed=7), ValueError, "seed = 7"),
    (fit(conv_algorithm="fft"), ValueError, "conv_algorithm = 'fft'"),
    (fit(x=IMAGES[:40].astype(int)), TypeError, "images of dtype int64"),
    (fit(x=IMAGES[0, 0]), ValueError, "images of shape (28, 1)"),
    (fit(x=IMAGES[:40, 1:]), ValueError, "images of 27x28x1", "28x28x1"),
    (fit(x=IMAGES[:0], y=LABELS[:0]), ValueError, "fit: no images"),
    (fit(validation_data=IMAGES), TypeError, "validation_data"),
    (fit(validation_data=(IMAGES[:, :5], LABELS)), ValueError, "another size"),
    (fit(validation_data=(IMAGES[:0], LABELS[:0])), ValueError, "no validation images"),
    (fit(x=DATA), TypeError, "labels beside a Dataset"),
    (fit(epochs=0), ValueError, "epochs"),
    (fit(epochs="2"), TypeError, "epochs = '2'"),
    (fit(epochs=1.5), ValueError, "epochs", "1.5"),
    (fit(batch_size=41), ValueError, "batch_size", "41"),
    (fit(learning_rat=1), ValueError, '"learning_rat"', "nearest is learning_rate"),
    (fit(learning_rate=float("nan")), ValueError, "learning_rate"),
    (fit(optimizer="adan"), ValueError, "adan"),
    (fit(threads=0), ValueError, "threads = 0"),
    (lambda: models.lenet5((5, 5, 1)), ValueError, "a kernel of height 5"),
    (lambda: models.lenet5(seed=-1), ValueError, "seed"),
    (lambda: models.lenet5(conv_algorithm="fast"), ValueError, '"fast"'),
    (lambda: models.lenet5(conv="fast"), ValueError, '"fast"'),  # as it was called earlier
    (lambda: models.lenet5(conv="fft", conv_algorithm="fft"), ValueError, "which are the same"),
    (lambda: models.lenet5(activation=3), TypeError, "activation = 3"),
    (lambda: models.lenet5_1998((32, 32, 3)), ValueError, "lenet5_1998"),
    (lambda: MODEL.predict(IMAGES[:1, :9]), ValueError, "predict: images of 9x28x1"),
    (lambda: MODEL.predict("image"), TypeError, "predict: images", "dtype <U5"),
    (lambda: MODEL.predict(0.5), ValueError, "predict: images of shape ()"),
    (lambda: MODEL.predict(IMAGES[:1].astype(int)), TypeError, "dtype int64", "uint8"),
    (lambda: MODEL.evaluate(IMAGES[:0], LABELS[:0]), ValueError, "no images"),
    (lambda: MODEL.set_weights([]), ValueError, "0 arrays"),
    (lambda: MODEL.set_weights(MODEL.get_weights()[::-1]), ValueError, "set_weights: conv1 weight"),
    (lambda: reprise.open("/nowhere/run.h5"), ValueError, "/nowhere/run.h5"),
    (lambda: reprise.open(3), TypeError, "open: int"),
    (lambda: reprise.open(__file__), ValueError, "test_models.py"),
    (lambda: reprise.load_dataset("/nowhere"), ValueError, "/nowhere"),
]


class Interrupted(TestCase):
    """Ctrl-C between the blocks of evaluate and predict."""

    def test_signals_are_seen_between_the_blocks_of_evaluate_and_predict(self):
        model = models.four_layer_cnn(width=64)
        x = np.zeros((2000, 32, 32, 3), np.uint8)  # eight blocks, of some 10 ms or more
        for call in (lambda: model.predict(x), lambda: model.evaluate(x, np.zeros(2000, int))):
            seen = []

            def handler(*_):
                seen.append(None)
                if len(seen) == 3:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    raise KeyboardInterrupt

            before = signal.signal(signal.SIGALRM, handler)
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
                with self.assertRaises(KeyboardInterrupt):
                    call()  # signals that came meanwhile are one after it
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
            self.assertEqual(len(seen), 3)


class CudaConvnets(TestCase):
    def test_all_are_there_with_their_parameters(self):
        for name, parameters, image in (
            ("80sec", "145,578", (32, 32, 3)), ("19pct", "89,578", (32, 32, 3)),
            ("18pct", "89,578", (32, 32, 3)), ("13pct", "1,116,490", (24, 24, 3)),
            ("11pct", "2,112,970", (24, 24, 3)),
        ):
            model = getattr(models, "cuda_convnet_" + name)()
            self.assertIn("Total params: " + parameters, model.summary())
            x = np.random.default_rng(1).integers(0, 256, (20, *image), np.uint8)
            history = model.fit(x, np.arange(20) % 10, 1, 10, optimizer="sgd", verbose=False)
            self.assertEqual(len(history.digest), 64)
            self.assertEqual(history.record["configuration"].attributes["model"], "cuda_convnet_" + name)
        self.assertEqual(set(_reprise.model_names()), set(models.__all__) - {"History", "Model", "Sequential", "load_dataset"})


class BadInput(TestCase):
    def test_each_is_one_line_and_changes_nothing(self):
        before = [values.tobytes() for values in MODEL.get_weights()]
        for call, exception, *parts in CASES:
            with self.subTest(parts=parts), self.assert_line(exception, *parts):
                call()
        self.assertEqual([values.tobytes() for values in MODEL.get_weights()], before)


if __name__ == "__main__":
    unittest.main()
