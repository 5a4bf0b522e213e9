"""The package as its users see it: documentation, annotations and stubs."""

import ast
import inspect
import pydoc
import re
import unittest
from pathlib import Path

from support import TestCase
import reprise
from reprise import _reprise, holberton

PACKAGE = Path(reprise.__file__).parent


def functions_of(thing):
    """A function itself; of a class its public methods and properties."""
    if inspect.isfunction(thing):
        return [thing]
    if not inspect.isclass(thing) or thing.__module__.endswith("_reprise"):
        return []
    members = [member for name, member in vars(thing).items() if not name.startswith("_")]
    found = [member.fget if isinstance(member, property) else member for member in members]
    return [function for function in found if inspect.isfunction(function)]


class Package(TestCase):
    def test_everything_public_is_documented(self):
        for module in (reprise, reprise.models, reprise.layers, reprise.losses, reprise.optimizers, holberton):
            self.assertEqual(sorted(module.__all__), list(module.__all__))
            for name in module.__all__:
                thing = getattr(module, name)
                self.assertTrue(inspect.getdoc(thing), name)
                self.assertTrue(pydoc.render_doc(thing))
                for function in functions_of(thing):
                    self.assertTrue(inspect.getdoc(function), (name, function))
                    for parameter in inspect.signature(function).parameters.values():
                        if parameter.name != "self":
                            self.assertIsNot(parameter.annotation, inspect.Parameter.empty, (name, parameter))
        for name in ("conv2d", "conv2d_backward", "max_pool2d"):
            text = " ".join(inspect.getdoc(getattr(reprise, name)).split())
            for part in ("Returns", "ValueError", "ot interruptible"):
                self.assertIn(part, text, name)

    def test_stubs_say_what_the_compiled_module_has(self):
        self.assertTrue((PACKAGE / "py.typed").exists())
        stub = ast.parse((PACKAGE / "_reprise.pyi").read_text())
        named = {node.name: node for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        public = {name for name in dir(_reprise) if not name.startswith("_")}
        self.assertEqual(set(named), public)
        for name, node in named.items():
            thing = getattr(_reprise, name)
            if isinstance(node, ast.FunctionDef):
                # pybind11 writes "name(arg0: object, arg1: object) -> object" at the head of a docstring
                self.assertEqual(len(re.findall(r"\barg\d", thing.__doc__)), len(node.args.posonlyargs), name)
            else:
                properties = {member for member in vars(thing) if not member.startswith("_")}
                self.assertEqual(
                    {member.name for member in node.body if hasattr(member, "name")} - {"__new__"}, properties
                )

    def test_the_course_has_its_signatures(self):
        for name, expected in {
            "conv_forward": "A_prev, W, b, activation, padding='same', stride=(1, 1)",
            "pool_forward": "A_prev, kernel_shape, stride=(1, 1), mode='max'",
            "conv_backward": "dZ, A_prev, W, b, padding='same', stride=(1, 1)",
            "pool_backward": "dA, A_prev, kernel_shape, stride=(1, 1), mode='max'",
            "lenet5": "x=None, y=None, X=None, seed=0, threads=1",
        }.items():
            parameters = inspect.signature(getattr(holberton, name)).parameters.values()
            plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
            self.assertEqual(", ".join(map(str, plain)), expected)


if __name__ == "__main__":
    unittest.main()
