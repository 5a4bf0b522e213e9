"""What the programs share that measure a document's figures: tests/readme_figures, tests/scaling_figures,
tests/performance_figures."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def run(program, *options, env=None):
    """What the program prints; both are given as a list of words."""
    command = [str(program), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=env)
    if done.returncode != 0:
        fail(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def two_digits(value):
    """Two significant digits, three where the first is 1."""
    digits = 3 if f"{value:.1e}"[0] == "1" and value < 10 else 2
    text = f"{value:#.{digits}g}".rstrip(".")
    return text if "e" not in text else f"{value:.0f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def with_blocks(document, text, blocks):
    """The text of `document` with the contents of its blocks <!-- figures NAME --> replaced."""
    for name, contents in blocks.items():
        pattern = re.compile(rf"(<!-- figures {name} -->\n)(.*?)(<!-- end of figures -->)", re.S)
        text, count = pattern.subn(lambda found, contents=contents: found[1] + "\n" + contents + "\n\n" + found[3],
                                   text)
        if count != 1:
            fail(f"{document.name} has {count} blocks `figures {name}`; expected one")
    return text
