"""docs/numeric_contract.md, sections Inputs and Augmentation, in NumPy, but for colour noise."""

import numpy as np
from arithmetic import F


class Inputs:
    """What the network is given of images like the training images `pixels` (N,H,W)."""

    def __init__(self, settings, pixels):
        self.full = pixels.shape[1:]
        self.shape = (settings["crop"],) * 2 if settings["crop"] > 0 else self.full
        self.unit = F(1 if settings["pixel_max"] == 255 else 255)
        self.centre = tuple((full - own) // 2 for full, own in zip(self.full, self.shape)) + (False,)
        self.mean = None
        if settings["subtract"] == "mean_image":
            (top, left, _), (height, width) = self.centre, self.shape
            sums = pixels[:, top : top + height, left : left + width].astype(np.int64).sum(axis=0)
            self.mean = (sums / (len(pixels) * float(self.unit))).astype(F)
        self.views = [self.centre]
        if settings["test_views"] == 10:
            shift = settings["random_shift"]
            rows, columns = ((-shift, full - own + shift) for full, own in zip(self.full, self.shape))
            places = [(top, left) for top in rows for left in columns] + [self.centre[:2]]
            self.views = [(*place, reflect) for reflect in (False, True) for place in places]

    def finished(self, image, reflect):
        image = image[:, ::-1] if reflect else image
        return image if self.mean is None else image - self.mean

    def view(self, pixels, view):
        """(N,height,width,1) of images N,H,W."""
        top, left, reflect = view
        rows, columns = (np.arange(size) for size in self.shape)
        parts = (padded_at(image, rows[:, None] + top, columns + left) / self.unit for image in pixels)
        return np.stack([self.finished(part, reflect) for part in parts])[..., None]


class Augmentation:
    def __init__(self, settings, stream, inputs):
        self.inputs = inputs
        self.shift, self.reflect = settings["random_shift"], settings["horizontal_flip"]
        self.distortion = settings["distortion"]
        self.stream = stream

    def images_of(self, pixels, indices, epoch):
        return np.stack([self.image(pixels[i], 16 * i, self.stream.child(epoch)) for i in indices])[..., None]

    def image(self, pixels, c, stream):
        own = self.inputs
        rests = [full - size for full, size in zip(own.full, own.shape)]
        bits = [int(word) for word in stream.bits([c, c + 1])]
        if any(rests):
            top, left = (word * (rest + 1) >> 64 for word, rest in zip(bits, rests))
        else:
            top, left = (self.shift - (word * (2 * self.shift + 1) >> 64) for word in bits)
        rows, columns = (np.arange(size) for size in own.shape)
        if self.distortion > 0:
            uniform = stream.uniform(np.arange(c + 3, c + 7))
            image = self.distorted(pixels, rows[:, None] + top, columns + left, uniform)
        else:
            image = padded_at(pixels, rows[:, None] + top, columns + left) / own.unit
        return own.finished(image, self.reflect and stream.words([c + 2])[0, 0] >> np.uint64(31))

    def distorted(self, pixels, y, x, uniform):
        height, width = pixels.shape
        s, q, h, r = self.distortion * (2.0 * uniform - 1.0)
        v, u = y - 0.5 * (height - 1), x - 0.5 * (width - 1)
        fy = np.clip((1.0 + s + q) * v + r * u + 0.5 * (height - 1), -1, height) + 1.0
        fx = np.clip((h - r) * v + (1.0 + s - q) * u + 0.5 * (width - 1), -1, width) + 1.0
        t, l = fy.astype(int), fx.astype(int)
        down, right = (fy - t).astype(F), (fx - l).astype(F)
        above, below = (
            (F(1) - right) * padded_at(pixels, row, l - 1) + right * padded_at(pixels, row, l) for row in (t - 1, t)
        )
        return ((F(1) - down) * above + down * below) / self.inputs.unit


def padded_at(pixels, rows, columns):
    """The pixels at these places as float32, 0 outside the image."""
    height, width = pixels.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = pixels[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.where(inside, found.astype(F), F(0))
