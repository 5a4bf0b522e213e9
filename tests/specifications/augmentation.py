"""docs/numeric_contract.md, section Augmentation, in NumPy, but for colour noise."""

import numpy as np
from arithmetic import F


def images_of(pixels):
    return pixels.astype(F)[..., None] / F(255)


class Augmentation:
    def __init__(self, settings, stream):
        self.shift, self.reflect = settings["random_shift"], settings["horizontal_flip"]
        self.distortion = settings["distortion"]
        self.stream = stream

    def images_of(self, pixels, indices, epoch):
        return np.stack([self.image(pixels[i], 16 * i, self.stream.child(epoch)) for i in indices])[..., None]

    def image(self, pixels, c, stream):
        moved = [int(bits) * (2 * self.shift + 1) >> 64 for bits in stream.bits([c, c + 1])]
        dy, dx = (place - self.shift for place in moved)
        rows, columns = (np.arange(size) for size in pixels.shape)
        if self.distortion > 0:
            image = self.distorted(pixels, rows[:, None] - dy, columns - dx, stream.uniform(np.arange(c + 3, c + 7)))
        else:
            image = padded_at(pixels, rows[:, None] - dy, columns - dx) / F(255)
        reflects = self.reflect and stream.words([c + 2])[0, 0] >> np.uint64(31)
        return image[:, ::-1] if reflects else image

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
        return ((F(1) - down) * above + down * below) / F(255)


def padded_at(pixels, rows, columns):
    """The pixels at these places as float32, 0 outside the image."""
    height, width = pixels.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = pixels[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.where(inside, found.astype(F), F(0))
